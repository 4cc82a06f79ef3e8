// Arbitrary bytes as everything of the keys that is parsed: a bundle that a compartment is handed,
// the key file's content, the key file itself, a share and a root key as text. Refused, or read to
// something that is written to the same bytes again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/faulty_file_system.h"
#include "crypto/key_file.h"
#include "crypto/keys.h"

namespace {

using namespace bulkhead;  // NOLINT

void TryBundle(std::string_view bytes) {
  for (const KeyScope scope :
       {KeyScope::kIntake, KeyScope::kCore, KeyScope::kVault, KeyScope::kAudit, KeyScope::kEgress,
        KeyScope::kFileMain, KeyScope::kFileVault}) {
    if (const Result<std::vector<KeyEntry>> entries = DecodeKeyBundle(scope, bytes)) {
      Check(EncodeKeyBundle(scope, *entries).view() == bytes, "a list of keys has one form");
    }
  }
  const SecretBytes bundle(bytes);
  const int accepted = ParseIntakeKeys(bundle).has_value() + ParseCoreKeys(bundle).has_value() +
                       ParseVaultKeys(bundle).has_value() + ParseAuditKeys(bundle).has_value() +
                       ParseEgressKeys(bundle).has_value();
  Check(accepted <= 1, "a bundle is one compartment's");
}

void TryFile(std::string_view bytes) {
  static const SecretBytes root(std::string(kKeyBytes, 'r'));
  FaultyFileSystem fs;
  Check(fs.CreateDirs("keys").has_value(), "memory has room");
  Check(fs.WriteFileAtomically("keys/keyring", bytes).has_value(), "memory has room");
  Check(!KeyFile::Read(fs, "keys", root), "nobody guesses a key file");
  KeyFile file;
  if (file.DecodeBody(bytes)) {
    Check(file.EncodeBody().view() == bytes, "the content of a key file has one form");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  TryBundle(bytes);
  TryFile(bytes);
  if (const Result<VaultShare> share = ParseVaultShare(bytes)) {
    Check(bytes.find(FormatVaultShare(*share).view()) != std::string_view::npos,
          "a share has one form, with space around it");
  }
  if (const Result<SecretBytes> root = ParseRootKey(bytes)) {
    Check(root->size() == kKeyBytes, "a root key has 32 bytes");
  }
  return 0;
}
