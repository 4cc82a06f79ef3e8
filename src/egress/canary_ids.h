// Who the canaries of a vendor's epoch are. A canary is an invented subject that this vendor alone
// is sent, so that a leaked set with it in it names its vendor and epoch. Their ids, names and
// addresses follow from the epoch's key: whoever has the key can tell them, nobody else can, and
// no list of them lies anywhere. How they behave: egress/canary_flock.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/crypto.h"
#include "egress/canary_names.h"
#include "model/ids.h"

namespace bulkhead {

inline constexpr uint32_t kMostCanaries = 10'000;  // of one epoch

// As which the canary of this number (from 0) lies in a vendor's queue: no pseudonym of a person,
// and no id that the vendor sees.
SubjectId CanarySubject(uint32_t number);
// Nothing: no canary's.
std::optional<uint32_t> CanaryNumber(const SubjectId& subject);

class CanaryIds {
 public:
  explicit CanaryIds(const SecretBytes& epoch_key);

  [[nodiscard]] SubjectId VendorId(uint32_t number) const;
  [[nodiscard]] InventedPerson Person(uint32_t number) const;
  // Which canary of this epoch has that id; nothing: none. Each tries all there can be.
  [[nodiscard]] std::optional<uint32_t> IsCanary(const SubjectId& vendor_id) const;
  // The part of an address before the '@', in lower case.
  [[nodiscard]] std::optional<uint32_t> IsCanaryAddress(std::string_view local_part) const;

 private:
  KeyedHash ids_;
  KeyedHash persons_;
};

}  // namespace bulkhead
