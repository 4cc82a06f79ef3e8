// A store's keys, for tests and measurements.
#pragma once

#include <string>

#include "crypto/key_ring.h"

namespace bulkhead {

inline const KeyRing& TestStoreKeys() {
  static const KeyRing keys(SecretBytes(std::string(kKeyBytes, 's')));
  return keys;
}

}  // namespace bulkhead
