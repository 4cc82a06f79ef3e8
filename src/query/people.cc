#include "query/people.h"

#include <algorithm>

#include "base/limits.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxSubjects = 2000;
constexpr size_t kMaxActivityEvents = 100'000;

// One profile, under both names that clients use for it.
class ProfileLookup final : public PropertyLookup {
 public:
  void Set(const SubjectId& subject, const ValueObject* profile) {
    profile_ = profile;
    subject_ = Value(subject.ToHex());
  }
  const Value* EventProperty(std::string_view name) override { return UserProperty(name); }
  const Value* UserProperty(std::string_view name) override {
    if (name == "$distinct_id") {
      return &subject_;
    }
    return profile_ == nullptr ? nullptr : Find(*profile_, name);
  }

 private:
  const ValueObject* profile_ = nullptr;
  Value subject_;
};

// Kinds in the order null or absent, booleans, numbers, strings, others by their JSON.
bool Before(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) {
    return a.kind() < b.kind();
  }
  switch (a.kind()) {
    case ValueKind::kNull:
      return false;
    case ValueKind::kBool:
      return a.bool_value() < b.bool_value();
    case ValueKind::kNumber:
      return a.number() < b.number();
    case ValueKind::kString:
      return a.string() < b.string();
    default:
      return ToJson(a) < ToJson(b);
  }
}

struct Match {
  SubjectId subject;
  const ValueObject* profile = nullptr;  // null = none
};

std::vector<Match> FindMatches(const ReportContext& context, const PeopleReport& report) {
  std::vector<Match> matches;
  ProfileLookup lookup;
  const auto consider = [&](const SubjectId& subject, const ValueObject* profile) {
    if (report.where != nullptr) {
      lookup.Set(subject, profile);
      if (!Holds(*report.where, lookup)) {
        return;
      }
    }
    matches.push_back({subject, profile});
  };
  if (!report.subjects) {
    context.snapshot.ForEachProfile(
        [&](const SubjectId& subject, const ValueObject& profile) { consider(subject, &profile); });
    return matches;
  }
  std::vector<SubjectId> subjects;
  for (const SubjectId& subject : *report.subjects) {
    subjects.push_back(context.snapshot.Canonical(subject));
  }
  std::sort(subjects.begin(), subjects.end());
  subjects.erase(std::unique(subjects.begin(), subjects.end()), subjects.end());
  for (const SubjectId& subject : subjects) {
    const ValueObject* profile = context.snapshot.Profile(subject);
    if (profile != nullptr || report.include_without_profile) {
      consider(subject, profile);
    }
  }
  return matches;
}

void Sort(const PeopleReport& report, std::vector<Match>* matches) {
  if (report.sort.empty()) {
    return;
  }
  static const Value kNull;
  const auto key = [&](const Match& match) -> const Value& {
    const Value* value = match.profile == nullptr ? nullptr : Find(*match.profile, report.sort);
    return value == nullptr ? kNull : *value;
  };
  std::stable_sort(matches->begin(), matches->end(), [&](const Match& a, const Match& b) {
    return report.descending ? Before(key(b), key(a)) : Before(key(a), key(b));
  });
}

ValueObject Select(const ValueObject* profile, const std::vector<std::string>& names) {
  if (profile == nullptr) {
    return {};
  }
  if (names.empty()) {
    return *profile;
  }
  ValueObject selected;
  for (const std::string& name : names) {
    if (const Value* value = Find(*profile, name)) {
      selected.emplace_back(name, *value);
    }
  }
  return selected;
}

class ActivityVisitor final : public PersonVisitor {
 public:
  explicit ActivityVisitor(const ScanContext& scan) : scan_(scan) {}

  void Visit(const PersonHits& person) override {
    for (const Hit& hit : person.hits) {
      hits.push_back({hit, person.person});
    }
  }

  struct Entry {
    Hit hit;
    SubjectId person;
  };
  std::vector<Entry> hits;

  [[nodiscard]] Result<ActivityEvent> Read(const Entry& entry) const {
    Result<ValueObject> properties = scan_.AllProperties(entry.hit.source, entry.hit.row);
    if (!properties) {
      return properties.error();
    }
    ActivityEvent event;
    event.event = std::string(scan_.EventName(entry.hit));
    event.time_ms = entry.hit.time_ms;
    event.person = entry.person;
    event.properties = *std::move(properties);
    return event;
  }

 private:
  const ScanContext& scan_;
};

}  // namespace

Result<PeopleResult> RunPeople(const ReportContext& context, const PeopleReport& report) {
  if (report.page_size == 0 || report.page_size > limits::kMaxSegmentsInReport) {
    return Error{ErrorCode::kInvalid, "page_size: from 1 to 10000 expected"};
  }
  if (report.subjects && report.subjects->size() > kMaxSubjects) {
    return Error{ErrorCode::kInvalid, "subjects: at most 2000"};
  }
  std::vector<Match> matches = FindMatches(context, report);
  Sort(report, &matches);
  PeopleResult result;
  result.page = report.page;
  result.page_size = report.page_size;
  result.total = matches.size();
  const bool past_end = report.page > matches.size() / report.page_size;
  const size_t begin = past_end ? matches.size() : report.page * report.page_size;
  const size_t end = std::min(matches.size(), begin + report.page_size);
  for (size_t i = begin; i < end; ++i) {
    result.people.push_back(
        {matches[i].subject, Select(matches[i].profile, report.output_properties)});
  }
  return result;
}

Result<std::vector<ActivityEvent>> RunActivity(const ReportContext& context,
                                               const ActivityRequest& request) {
  if (request.subjects.empty() || request.subjects.size() > kMaxSubjects) {
    return Error{ErrorCode::kInvalid, "distinct_ids: from 1 to 2000 expected"};
  }
  const Result<Buckets> range = Buckets::Make(request.range, context.zone, TimeUnit::kDay, 1);
  if (!range) {
    return range.error();
  }
  ScanSpec spec;
  spec.filters.push_back({"", nullptr});
  spec.from_ms = range->from_ms();
  spec.to_ms = range->to_ms();
  const Result<std::unique_ptr<ScanContext>> scan = ScanContext::Prepare(context.snapshot, spec);
  if (!scan) {
    return scan.error();
  }
  std::vector<SubjectId> subjects;
  for (const SubjectId& subject : request.subjects) {
    subjects.push_back(context.snapshot.Canonical(subject));
  }
  std::sort(subjects.begin(), subjects.end());
  subjects.erase(std::unique(subjects.begin(), subjects.end()), subjects.end());
  ActivityVisitor visitor(**scan);
  for (const SubjectId& subject : subjects) {
    ScanPerson(**scan, subject, visitor);
  }
  std::stable_sort(visitor.hits.begin(), visitor.hits.end(), [](const auto& a, const auto& b) {
    return a.hit.time_ms != b.hit.time_ms ? a.hit.time_ms < b.hit.time_ms : a.hit.seq < b.hit.seq;
  });
  const size_t limit = request.limit == 0 ? kMaxActivityEvents : request.limit;
  const size_t first = visitor.hits.size() > limit ? visitor.hits.size() - limit : 0;
  std::vector<ActivityEvent> events;
  for (size_t i = first; i < visitor.hits.size(); ++i) {
    Result<ActivityEvent> event = visitor.Read(visitor.hits[i]);
    if (!event) {
      return event.error();
    }
    events.push_back(*std::move(event));
  }
  return events;
}

}  // namespace bulkhead
