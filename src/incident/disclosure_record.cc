#include "incident/disclosure_record.h"

#include <algorithm>

namespace bulkhead {
namespace {

using Subject = DisclosureSubject;

constexpr DisclosureQuestion kQuestions[] = {
    {"numbers", Subject::kTransparent, "Did it say how many records and persons are concerned?"},
    {"fields", Subject::kTransparent, "Did it say which fields are concerned?"},
    {"customers-first", Subject::kTransparent, "Did we know before the public did?"},
    {"cause", Subject::kTransparent, "Did it say how the attacker came in?"},
    {"questions", Subject::kTransparent, "Did it answer our questions?"},
    {"data-set", Subject::kAccountable, "Did it hand over exactly what was taken of ours?"},
    {"logs", Subject::kAccountable, "Did it say that its logs reach back far enough to be sure?"},
    {"outside-review", Subject::kAccountable, "Did somebody independent examine it?"},
    {"scope-held", Subject::kAccountable, "Did the first scope it named turn out to be all?"},
    {"owned", Subject::kAccountable, "Did it name its own part in the cause?"},
    {"second-factor", Subject::kChanged, "Does its staff need a second factor nobody can phish?"},
    {"export-limited", Subject::kChanged, "Does one person no longer suffice to export it all?"},
    {"old-data-gone", Subject::kChanged, "Did it prove that data past its time is deleted?"},
    {"dates", Subject::kChanged, "Did it promise each change by a date, and keep it?"},
};

Error Wrong(const char* what) {
  return {ErrorCode::kInvalid, std::string("disclosure record: ") + what};
}

}  // namespace

std::string_view DisclosureMomentName(DisclosureMoment moment) {
  switch (moment) {
    case DisclosureMoment::kOccurred:
      return "occurred";
    case DisclosureMoment::kVendorAware:
      return "vendor aware";
    case DisclosureMoment::kCustomerTold:
      return "customer told";
    case DisclosureMoment::kDataHandedOver:
      return "data set handed over";
    case DisclosureMoment::kPublic:
      return "public";
    case DisclosureMoment::kScopeCorrected:
      return "scope corrected";
  }
  return "";
}

std::span<const DisclosureQuestion> DisclosureQuestions() { return kQuestions; }

Result<void> DisclosureRecord::Append(DisclosureVersion version) {
  if (!versions_.empty() && version.noted_ms < versions_.back().noted_ms) {
    return Wrong("a version is older than the one before it");
  }
  if (version.times.empty() && version.answers.empty()) return Wrong("a version without any fact");
  for (const auto& [moment, time] : version.times) {
    if (time.source.empty()) return Wrong("a time without a source");
  }
  for (const auto& [id, answer] : version.answers) {
    if (answer.source.empty()) return Wrong("an answer without a source");
    if (std::ranges::none_of(kQuestions, [&](const auto& one) { return one.id == id; })) {
      return Wrong("an answer to a question that is none");
    }
  }
  versions_.push_back(std::move(version));
  return {};
}

DisclosureVersion DisclosureRecord::StateAfter(size_t count) const {
  Check(count <= versions_.size(), "no more versions than there are");
  DisclosureVersion state;
  for (size_t i = 0; i < count; ++i) {
    const DisclosureVersion& version = versions_[i];
    state.noted_ms = version.noted_ms;
    state.note = version.note;
    for (const auto& [moment, time] : version.times) state.times[moment] = time;
    for (const auto& [id, answer] : version.answers) state.answers[id] = answer;
  }
  return state;
}

}  // namespace bulkhead
