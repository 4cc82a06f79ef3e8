// Makes the bulk exports of a data directory so many hours older: age_exports DIR HOURS. With the
// directory's own keys; while no server runs.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/file_system.h"
#include "crypto/keys.h"
#include "vault/database.h"
#include "vault/file_key.h"

namespace bulkhead {
namespace {

constexpr int64_t kHourMs = 3'600'000;

Result<void> AgeExports(const std::string& dir, int64_t hours) {
  FileSystem& fs = RealFileSystem();
  const std::string vault = dir + "/vault";
  const Result<VaultKeys> keys = LoadVaultKeys(fs, dir + "/keys");
  if (!keys) {
    return keys.error();
  }
  const Result<VaultFileKey> file_key = VaultFileKey::Open(fs, vault, keys->subject_wrap_keys);
  if (!file_key) {
    return file_key.error();
  }
  Result<VaultDatabase> database = VaultDatabase::Open(
      fs, {.path = vault + "/exports.db", .upgrades = {}}, file_key->For("exports.db"));
  if (!database) {
    return database.error();
  }
  return database->Run("UPDATE exports SET asked_ms = asked_ms - ?1, due_ms = due_ms - ?1",
                       {hours * kHourMs});
}

}  // namespace
}  // namespace bulkhead

int main(int argc, char** argv) {
  if (argc != 3) {
    return 2;
  }
  bulkhead::InitCrypto();
  const bulkhead::Result<void> aged = bulkhead::AgeExports(argv[1], std::atoll(argv[2]));
  if (!aged) {
    std::fprintf(stderr, "%s\n", aged.error().message.c_str());
  }
  return aged ? 0 : 1;
}
