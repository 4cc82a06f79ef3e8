// Stored events of a day into one vendor's queue. A vendor that divides the people with others gets
// nothing of people whom the ledger has at one of them, under any id that the event ever went by:
// else both would have the same days of one person.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "egress/ledger.h"
#include "egress/vendor_gateway.h"
#include "egress/vendor_sender.h"
#include "model/vendor_policy.h"

namespace bulkhead {

struct BackfilledDay {
  uint64_t messages = 0;           // in the queue now
  uint64_t left_out_messages = 0;  // of people whom another vendor has
  uint64_t left_out_people = 0;    // exact
};

// The vendors whose people a back-fill of this one leaves out: those that it divides with, and
// those that only the ledger still knows. None if the policy gives it a share of its own.
std::vector<std::string> KeptApartFrom(const Ledger& ledger, const VendorPolicies& policies,
                                       const std::string& vendor);

class VendorBackfill {
 public:
  struct Parts {
    const Ledger* ledger = nullptr;
    const Clock* clock = nullptr;
    // What the policy lets through of stored events of a span, with the device that an event was
    // sent under where that was linked since. kLimit: too many at once.
    std::function<Result<VendorFeedPage>(const std::string& vendor, int64_t from_ms, int64_t to_ms)>
        stored;
  };
  // For one day: 16 bytes for each person who is left out.
  VendorBackfill(Parts parts, VendorSender* sender, std::string vendor,
                 std::vector<std::string> kept_apart_from);

  // What does not fit into the queue is an error, and the day may be asked for again: messages have
  // the same ids then. `day` since 1970, UTC.
  Result<BackfilledDay> Run(int32_t day);

 private:
  Result<void> Span(int64_t from_ms, int64_t to_ms);
  Result<void> LeaveOut(VendorFeedEntry* entry);

  const Parts parts_;
  VendorSender* const sender_;
  const std::string vendor_;
  const std::vector<std::string> kept_apart_from_;
  BackfilledDay done_;
  std::vector<SubjectId> left_out_;  // sorted
};

}  // namespace bulkhead
