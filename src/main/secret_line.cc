#include "main/secret_line.h"

#include <iostream>
#include <iterator>

#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxCredentialBytes = 4096;

}  // namespace

Result<std::string> ReadCredential() {
  std::string credential{std::istreambuf_iterator<char>(std::cin), {}};
  while (credential.ends_with('\n') || credential.ends_with('\r')) {
    credential.pop_back();
  }
  if (credential.size() > kMaxCredentialBytes) {
    Wipe(&credential);
    return Error{ErrorCode::kInvalid, "the credential is longer than 4096 bytes"};
  }
  return credential;
}

}  // namespace bulkhead
