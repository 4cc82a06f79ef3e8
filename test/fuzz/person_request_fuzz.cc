// Arbitrary bytes as a person's request: the file as it lies on disk, and what is inside it.
#include <cstdint>
#include <string>
#include <string_view>

#include "access/person_request_file.h"
#include "base/check.h"
#include "crypto/crypto.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;  // NOLINT
  static const KeyRing keys(RandomSecret(kKeyBytes));
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string id(32, 'a');
  Check(!OpenPersonRequest(bytes, id, keys), "nobody guesses an encrypted file");
  if (const Result<PersonRequest> request = DecodePersonRequest(bytes)) {
    Check(EncodePersonRequest(*request) == bytes, "a request has one form");
    const auto opened = OpenPersonRequest(SealPersonRequest(*request, keys), request->id, keys);
    Check(opened && EncodePersonRequest(opened->request) == bytes, "what was sealed is opened");
  }
  return 0;
}
