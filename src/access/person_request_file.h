// One task as the bytes of its file (docs/formats/person_requests.md).
#pragma once

#include <string>
#include <string_view>

#include "access/person_requests.h"
#include "base/result.h"
#include "crypto/key_ring.h"

namespace bulkhead {

std::string EncodePersonRequest(const PersonRequest& request);
// kCorruption on any bytes that EncodePersonRequest did not write.
Result<PersonRequest> DecodePersonRequest(std::string_view bytes);

// Encrypted under the ring's newest key, bound to the request's id.
std::string SealPersonRequest(const PersonRequest& request, const KeyRing& keys);
struct OpenedPersonRequest {
  PersonRequest request;
  bool under_newest_key = true;
};
Result<OpenedPersonRequest> OpenPersonRequest(std::string_view bytes, std::string_view id,
                                              const KeyRing& keys);

}  // namespace bulkhead
