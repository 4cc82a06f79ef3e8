// Prints the vault's secret keys of a data directory in hexadecimal, one a line: what no other
// process may have in its memory.
#include <cstdio>
#include <string>

#include "base/file_system.h"
#include "crypto/keys.h"

int main(int argc, char** argv) {
  using namespace bulkhead;  // NOLINT
  if (argc != 2) return 2;
  InitCrypto();
  const Result<VaultKeys> keys = LoadVaultKeys(RealFileSystem(), std::string(argv[1]) + "/keys");
  if (!keys) {
    std::fprintf(stderr, "%s\n", keys.error().message.c_str());
    return 1;
  }
  const auto print = [](const SecretBytes& secret) {
    for (const uint8_t byte : secret.bytes()) std::printf("%02x", byte);
    std::printf("\n");
  };
  for (const SealKeyPair& pair : keys->seal_keys.pairs()) print(pair.private_key);
  for (const auto& entry : keys->subject_wrap_keys.entries()) print(entry.key);
  for (const auto& entry : keys->blind_index_keys.entries()) print(entry.key);
  return 0;
}
