// What a vendor told of an incident at it, and when: a list of versions that only grows. A
// correction is one more version; what was written down before stays, so that the record shows what
// was known when. Every fact has its source. Plain data.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead {

enum class DisclosureMoment : unsigned char {
  kOccurred = 1,
  kVendorAware,
  kCustomerTold,
  kDataHandedOver,  // the customer has the set of data concerned
  kPublic,
  kScopeCorrected  // the last time that more turned out to be concerned
};
inline constexpr std::array kDisclosureMoments = {
    DisclosureMoment::kOccurred,     DisclosureMoment::kVendorAware,
    DisclosureMoment::kCustomerTold, DisclosureMoment::kDataHandedOver,
    DisclosureMoment::kPublic,       DisclosureMoment::kScopeCorrected};
std::string_view DisclosureMomentName(DisclosureMoment moment);

enum class DisclosureSubject : unsigned char { kTransparent = 1, kAccountable, kChanged };

struct DisclosureQuestion {
  std::string_view id;
  DisclosureSubject subject;
  std::string_view text;  // yes is the good answer
};
std::span<const DisclosureQuestion> DisclosureQuestions();

struct DisclosureVersion {
  struct Time {
    std::optional<int64_t> at_ms;  // nothing: known to be not known, or withdrawn
    std::string source;
  };
  struct Answer {
    std::optional<bool> yes;  // nothing: asked and not answered, or withdrawn
    std::string source;
  };

  int64_t noted_ms = 0;  // when it was written down
  std::string note;      // why there is this version
  std::map<DisclosureMoment, Time> times;
  std::map<std::string, Answer> answers;  // by the question's id
};

class DisclosureRecord {
 public:
  // `promised_hours`: from awareness to telling us, by contract; nothing: it promises none.
  DisclosureRecord(std::string vendor, std::optional<int> promised_hours)
      : vendor_(std::move(vendor)), promised_hours_(promised_hours) {}

  // A version has only what is new or corrected. kInvalid, and nothing is appended: older than the
  // last one, without any fact, a fact without source, or a question that is none.
  Result<void> Append(DisclosureVersion version);

  [[nodiscard]] const std::vector<DisclosureVersion>& versions() const { return versions_; }
  [[nodiscard]] const std::string& vendor() const { return vendor_; }
  [[nodiscard]] std::optional<int> promised_hours() const { return promised_hours_; }

  // All facts as they stood after version `count` - 1: of each the newest.
  [[nodiscard]] DisclosureVersion StateAfter(size_t count) const;
  [[nodiscard]] DisclosureVersion State() const { return StateAfter(versions_.size()); }

 private:
  std::string vendor_;
  std::optional<int> promised_hours_;
  std::vector<DisclosureVersion> versions_;
};

}  // namespace bulkhead
