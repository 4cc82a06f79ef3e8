// What a vendor's policy would send of events that are at hand, counted, without any value: for an
// operator who is about to change it. Nothing is sent and nothing written down. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_set>

#include "egress/ledger.h"
#include "egress/vendor_filter.h"
#include "model/event.h"
#include "model/vendor_policy.h"

namespace bulkhead {

class VendorTrial {
 public:
  struct Field {
    uint64_t sends = 0;
    std::unordered_set<SubjectId, SubjectIdHash> subjects;
  };

  explicit VendorTrial(VendorPolicy policy) : policy_(std::move(policy)) {}

  void Take(const Event& event);

  [[nodiscard]] uint64_t sent() const { return sent_; }
  [[nodiscard]] size_t subjects() const { return subjects_.size(); }
  // By the event's name.
  [[nodiscard]] const std::map<std::string, uint64_t>& going() const { return going_; }
  [[nodiscard]] const std::map<std::string, uint64_t>& staying() const { return staying_; }
  [[nodiscard]] const std::map<SentField, Field>& fields() const { return fields_; }
  // What messages look like, such as "Paid: amount number (coarse), plan text (plain)", and how
  // many look so; the first kMostShapes that came.
  [[nodiscard]] const std::map<std::string, uint64_t>& shapes() const { return shapes_; }
  static constexpr size_t kMostShapes = 100;

 private:
  void CountShape(const AllowedMessage& message);

  VendorPolicy policy_;
  uint64_t sent_ = 0;
  std::unordered_set<SubjectId, SubjectIdHash> subjects_;
  std::map<std::string, uint64_t> going_, staying_, shapes_;
  std::map<SentField, Field> fields_;
};

}  // namespace bulkhead
