#include "http/person_data.h"

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "http/person_request_json.h"
#include "model/value.h"

namespace bulkhead {
namespace {

constexpr size_t kEventsAtOnce = 20'000;  // of one person, in memory
constexpr size_t kPieceBytes = 64UL * 1024;
constexpr int64_t kFirstDay = 365;  // 1971-01-01: no event is older
constexpr int64_t kDayMs = 24LL * 3600 * 1000;

std::string DateText(int64_t day) { return TimeText(day * kDayMs).substr(0, 10); }

class PersonDataWriter {
 public:
  using Sink = std::function<bool(std::string_view)>;
  PersonDataWriter(const QueryEngine& engine, const PersonRequest& request,
                   const std::vector<KnownIdentity>& identities, int64_t now_ms)
      : engine_(engine), request_(request), now_ms_(now_ms) {
    for (const KnownIdentity& identity : identities) {
      identities_[identity.subject].push_back(&identity);
    }
  }
  ~PersonDataWriter() { Wipe(&out_); }
  PersonDataWriter(const PersonDataWriter&) = delete;
  PersonDataWriter& operator=(const PersonDataWriter&) = delete;

  Result<void> Run(const Sink& sink) {
    sink_ = &sink;
    out_.reserve(2 * kPieceBytes);
    WriteHead();
    bool first = true;
    for (const SubjectId& subject : request_.asked.subjects) {
      out_ += first ? "" : ",";
      first = false;
      if (Result<void> written = WritePerson(subject); !written || closed_) {
        return written;
      }
    }
    out_ += "]}\n";
    Flush(0);
    return {};
  }

 private:
  void WriteHead() {
    out_ += R"({"task_id":)";
    AppendJsonString(request_.id, &out_);
    out_ += ",\"project_id\":" + std::to_string(request_.asked.project.value);
    out_ += ",\"compliance_type\":";
    AppendJsonString(NameOf(request_.asked.compliance), &out_);
    out_ += ",\"disclosure_type\":";
    AppendJsonString(NameOf(request_.asked.disclosure), &out_);
    out_ += ",\"made_at\":";
    AppendJsonString(TimeText(now_ms_), &out_);
    out_ += ",\"persons\":[";
  }

  Result<void> WritePerson(const SubjectId& subject) {
    PeopleReport report;
    report.project = request_.asked.project;
    report.subjects = {subject};
    const Result<PeopleResult> profile = engine_.People(report);
    if (!profile) {
      return profile.error();
    }
    const ValueObject none;
    const ValueObject& properties =
        profile->people.empty() ? none : profile->people.front().properties;
    out_ += "{\"distinct_id\":\"" + subject.ToHex() + "\"";
    Result<void> written;
    switch (request_.asked.disclosure) {
      case DisclosureType::kData:
        written = WriteData(subject, properties);
        break;
      case DisclosureType::kCategories:
        written = WriteCategories(subject, properties);
        break;
      case DisclosureType::kSources:
        written = WriteSources(subject);
        break;
    }
    out_ += '}';
    Flush(kPieceBytes);
    return written;
  }

  Result<void> WriteData(const SubjectId& subject, const ValueObject& profile) {
    out_ += ",\"identities\":[";
    bool first = true;
    for (const KnownIdentity* identity : identities_[subject]) {
      out_ += first ? "{\"field\":" : ",{\"field\":";
      first = false;
      AppendJsonString(identity->field, &out_);
      out_ += ",\"value\":";
      AppendJsonString(identity->value.view(), &out_);
      out_ += ",\"first_seen\":\"" + TimeText(identity->first_seen_ms) + "\",\"last_seen\":\"" +
              TimeText(identity->last_seen_ms) +
              (identity->current ? "\",\"current\":true}" : "\"}");
      Flush(kPieceBytes);
    }
    out_ += "],\"profile\":";
    AppendJson(Value(profile), &out_);
    out_ += ",\"events\":[";
    first = true;
    Result<void> written = ForEachEvent(subject, [&](const ActivityEvent& event) {
      out_ += first ? "" : ",";
      first = false;
      WriteEvent(event);
      Flush(kPieceBytes);
      return !closed_;
    });
    out_ += ']';
    return written;
  }

  void WriteEvent(const ActivityEvent& event) {
    out_ += "{\"event\":";
    AppendJsonString(event.event, &out_);
    out_ += ",\"properties\":{\"time\":" + std::to_string(event.time_ms / 1000);
    for (const auto& [name, value] : event.properties) {
      out_ += ',';
      AppendJsonString(name, &out_);
      out_ += ':';
      AppendJson(value, &out_);
    }
    out_ += "}}";
  }

  Result<void> WriteCategories(const SubjectId& subject, const ValueObject& profile) {
    std::set<std::string> identities;
    for (const KnownIdentity* identity : identities_[subject]) {
      identities.insert(identity->field);
    }
    std::set<std::string> properties;
    for (const auto& [name, value] : profile) {
      properties.insert(name);
    }
    std::map<std::string, std::set<std::string>> events;
    Result<void> read = ForEachEvent(subject, [&](const ActivityEvent& event) {
      std::set<std::string>& names = events[event.event];
      for (const auto& [name, value] : event.properties) {
        names.insert(name);
      }
      return true;
    });
    WriteNames(",\"identities\":", identities);
    WriteNames(",\"profile\":", properties);
    out_ += ",\"events\":{";
    bool first = true;
    for (const auto& [name, names] : events) {
      out_ += first ? "" : ",";
      first = false;
      AppendJsonString(name, &out_);
      WriteNames(":", names);
    }
    out_ += '}';
    return read;
  }

  // The libraries and imports that sent events of the person.
  Result<void> WriteSources(const SubjectId& subject) {
    std::set<std::string> libraries;
    Result<void> read = ForEachEvent(subject, [&](const ActivityEvent& event) {
      const Value* library = Find(event.properties, "mp_lib");
      libraries.insert(library != nullptr && library->is_string() ? library->string()
                                                                  : std::string("unknown"));
      return true;
    });
    WriteNames(",\"sources\":", libraries);
    return read;
  }

  void WriteNames(std::string_view before, const std::set<std::string>& names) {
    out_ += before;
    out_ += '[';
    bool first = true;
    for (const std::string& name : names) {
      out_ += first ? "" : ",";
      first = false;
      AppendJsonString(name, &out_);
    }
    out_ += ']';
  }

  template <typename Visit>
  Result<void> ForEachEvent(const SubjectId& subject, Visit visit) {
    return ForEachEvent(subject, kFirstDay, now_ms_ / kDayMs + 2, visit);
  }
  // Halves the days until what they hold fits into memory; one day is taken whatever it holds.
  template <typename Visit>
  Result<void> ForEachEvent(const SubjectId& subject, int64_t from_day, int64_t to_day,
                            const Visit& visit) {
    ActivityRequest request;
    request.subjects = {subject};
    request.range = {DateText(from_day), DateText(to_day), "UTC"};
    request.limit = from_day == to_day ? SIZE_MAX : kEventsAtOnce + 1;
    const Result<std::vector<ActivityEvent>> events = engine_.Activity(request);
    if (!events) {
      return events.error();
    }
    if (from_day < to_day && events->size() > kEventsAtOnce) {
      const int64_t middle = from_day + (to_day - from_day) / 2;
      const Result<void> first = ForEachEvent(subject, from_day, middle, visit);
      return first && !closed_ ? ForEachEvent(subject, middle + 1, to_day, visit) : first;
    }
    for (const ActivityEvent& event : *events) {
      if (!visit(event)) {
        break;
      }
    }
    return {};
  }

  void Flush(size_t at_least) {
    if (out_.size() <= at_least || closed_) {
      return;
    }
    closed_ = !(*sink_)(out_);
    out_.clear();
  }

  const QueryEngine& engine_;
  const PersonRequest& request_;
  const int64_t now_ms_;
  const Sink* sink_ = nullptr;
  std::map<SubjectId, std::vector<const KnownIdentity*>> identities_;
  std::string out_;
  bool closed_ = false;  // the reader has gone
};

}  // namespace

Result<void> WritePersonData(const QueryEngine& engine, const PersonRequest& request,
                             const std::vector<KnownIdentity>& identities, int64_t now_ms,
                             const std::function<bool(std::string_view)>& sink) {
  return PersonDataWriter(engine, request, identities, now_ms).Run(sink);
}

}  // namespace bulkhead
