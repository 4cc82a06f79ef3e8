// Arbitrary bytes as what the vault takes from the log: as a sealed box, as an encrypted value, and
// as the content of a box that whoever owns intake could make. Refused, or read to something that
// is written to the same bytes again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "crypto/crypto.h"
#include "model/sealed_fields.h"
#include "vault/email.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;  // NOLINT
  static const SealKeyPair pair = GenerateSealKeyPair();
  static const SecretBytes key = RandomSecret(kKeyBytes);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Check(!Unseal(pair.public_key, pair.private_key, bytes), "nobody guesses a sealed box");
  Check(!AeadDecrypt(key, bytes, "context"), "nobody guesses an encrypted value");

  const Result<SecretBytes> opened =
      Unseal(pair.public_key, pair.private_key, Seal(pair.public_key, bytes));
  Check(opened && opened->view() == bytes, "what was sealed opens to itself");
  if (const auto fields = DecodeSealedFields(opened->view())) {
    Check(EncodeSealedFields(*fields) == bytes, "sealed fields have one form");
    for (const SealedField& field : *fields) {
      const std::optional<std::string> email = NormaliseEmail(field.value);
      Check(!email || NormaliseEmail(*email) == email, "normalising is stable");
    }
  }
  return 0;
}
