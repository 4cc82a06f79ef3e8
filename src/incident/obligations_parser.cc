#include "incident/obligations_parser.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/toml_reader.h"
#include "sieve/field_classes.h"

namespace bulkhead {
namespace {

constexpr int64_t kSchema = 1;
constexpr size_t kMaxRules = 500;
constexpr size_t kMaxNames = 500;
constexpr size_t kMaxLimits = 8;
constexpr int64_t kMaxCount = 10'000;
constexpr int64_t kMinutesInDay = 24L * 60;
constexpr size_t kMaxNoteBytes = 2048;

using Unit = ObligationLimit::Unit;

bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// DE, US-CA
bool IsPlace(std::string_view text) {
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  return (text.size() == 2 || (text.size() == 5 && text[2] == '-')) && upper(text[0]) &&
         upper(text[1]) &&
         std::all_of(text.begin() + (text.size() == 2 ? 2 : 3), text.end(), upper);
}

class ObligationsReader : private TomlReader {
 public:
  using TomlReader::errors;
  using TomlReader::Parse;
  explicit ObligationsReader(std::string_view file) : TomlReader(file) {}

  Result<ObligationFile> Read(const toml::table& root) {
    TomlSection top(root, "");
    Schema(&top, kSchema);
    if (const auto version = Day(&top, "version")) {
      file_.version = *version;
    } else {
      Fail(1, "version", "missing: the date of this file's state expected");
    }
    file_.sources = Texts(&top, "sources", kMaxNames);
    file_.clocks = Names(&top, "clocks");
    file_.roles = Names(&top, "roles");
    ReadGroups(&top);
    ReadFieldSets(&top);
    if (const toml::table* table = TableAt(&top, "calendar")) ReadCalendar(*table);
    ForEachTable(&top, "obligation", kMaxRules, [&](TomlSection* entry) { ReadRule(entry); });
    Finish(top);
    if (errors().empty()) return std::move(file_);
    return Error{ErrorCode::kInvalid, errors()};
  }

 private:
  std::map<std::string, std::string> Names(TomlSection* top, std::string_view key) {
    std::map<std::string, std::string> names;
    const toml::table* table = TableAt(top, key);
    if (table == nullptr) return names;
    TomlSection section(*table, std::string(key));
    for (auto&& [name, node] : *table) {
      static_cast<void>(section.Take(name.str()));
      if (!IsId(name.str())) {
        Fail(LineOf(node), key, "a name has small letters, digits and '-'");
      } else {
        names[std::string(name.str())] = TextOf(node, section.PathOf(name.str()), kMaxTextBytes);
      }
    }
    return names;
  }

  void ReadGroups(TomlSection* top) {
    const toml::table* table = TableAt(top, "groups");
    if (table == nullptr) return;
    TomlSection section(*table, "groups");
    for (auto&& [name, node] : *table) {
      const std::vector<std::string> places = Texts(&section, name.str(), kMaxNames);
      for (const std::string& place : places) {
        if (!place.empty() && !IsPlace(place)) {
          Fail(LineOf(node), section.path(), "places as DE or US-CA expected");
        }
      }
      groups_[std::string(name.str())] = places;
    }
  }

  void ReadFieldSets(TomlSection* top) {
    const toml::table* table = TableAt(top, "fields");
    if (table == nullptr) return;
    TomlSection section(*table, "fields");
    for (auto&& [name, node] : *table) {
      FieldSet& set = file_.field_sets[std::string(name.str())];
      ForEach(&section, name.str(), kMaxLimits,
              [&](const toml::node& group, const std::string& path) {
                set.push_back(ClassesOf(group, path));
              });
      if (set.empty()) Fail(LineOf(node), section.path(), "a list of lists of classes expected");
    }
  }

  std::vector<std::string> ClassesOf(const toml::node& group, const std::string& path) {
    std::vector<std::string> classes;
    const toml::array* list = group.as_array();
    if (list == nullptr || list->empty() || list->size() > kMaxNames) {
      Fail(LineOf(group), path, "a list of classes expected");
      return classes;
    }
    for (const toml::node& node : *list) {
      classes.push_back(TextOf(node, path, kMaxTextBytes));
      if (!IsFieldClass(classes.back())) {
        Fail(LineOf(node), path, "a Fideslang data category expected, such as user.contact.email");
      }
    }
    return classes;
  }

  void ReadCalendar(const toml::table& table) {
    TomlSection section(table, "calendar");
    BusinessCalendar& calendar = file_.calendar;
    const auto first = Day(&section, "first");
    const auto last = Day(&section, "last");
    if (!first || !last || *last < *first) {
      Fail(section.line(), section.path(), "first and last expected, the dates it covers");
      return Finish(section);
    }
    calendar.first = *first;
    calendar.last = *last;
    calendar.day_offset_hours =
        static_cast<int>(Number(&section, "day_offset_hours", {-12, 14}, 0));
    calendar.closes_utc_ms = Number(&section, "closes_utc_minute", {0, kMinutesInDay}, 0) * 60'000;
    ForEach(&section, "holidays", kMaxNames, [&](const toml::node& node, const std::string& path) {
      const auto day = DayOf(node, path);
      if (day && (*day < *first || *day > *last)) {
        Fail(LineOf(node), path, "outside of the dates that the calendar covers");
      } else if (day) {
        calendar.holidays.insert(*day);
      }
    });
    Finish(section);
  }

  void ReadRule(TomlSection* entry) {
    ObligationRule rule;
    rule.id = Text(entry, "id");
    if (!IsId(rule.id) || !ids_.insert(rule.id).second) {
      Fail(entry->line(), entry->PathOf("id"), "a name expected that no other obligation has");
    }
    rule.regime = Needed(entry, "regime");
    rule.article = Needed(entry, "article");
    rule.who = Needed(entry, "who");
    rule.whom = Needed(entry, "whom");
    rule.wording = Text(entry, "wording");
    rule.note = Text(entry, "note", kMaxNoteBytes);
    static constexpr std::pair<std::string_view, ObligationRule::Status> kStatus[] = {
        {"in force", ObligationRule::Status::kInForce},
        {"pending", ObligationRule::Status::kPending},
        {"proposal", ObligationRule::Status::kProposal}};
    rule.status = Choice(entry, "status", kStatus, ObligationRule::Status::kInForce);
    rule.from = Day(entry, "from");
    rule.until = Day(entry, "until");
    ReadConditions(entry, &rule);
    ForEachTable(entry, "limits", kMaxLimits,
                 [&](TomlSection* limit) { rule.limits.push_back(Limit(limit)); });
    if (rule.limits.empty()) {
      Fail(entry->line(), entry->PathOf("limits"), "missing: at least the clock that starts it");
    }
    file_.rules.push_back(std::move(rule));
  }

  void ReadConditions(TomlSection* entry, ObligationRule* rule) {
    rule->roles = Known(entry, "roles", file_.roles);
    if (rule->roles.empty()) {
      Fail(entry->line(), entry->PathOf("roles"), "missing: whose duty it is");
    }
    rule->residence = Places(entry, "residence");
    rule->established = Places(entry, "established");
    rule->field_sets = Known(entry, "fields", file_.field_sets);
    static constexpr std::pair<std::string_view, Risk> kRisks[] = {{"risk", Risk::kRisk},
                                                                   {"high", Risk::kHigh}};
    rule->least_risk = Choice(entry, "risk", kRisks, Risk::kNotAssessed);
    rule->persons_at_least =
        static_cast<uint64_t>(Number(entry, "persons_at_least", {1, 1'000'000'000}, 0));
    rule->unless_unintelligible = Flag(entry, "unless_unintelligible", false);
  }

  std::string Needed(TomlSection* entry, std::string_view key) {
    if (entry->Take(key) == nullptr) Fail(entry->line(), entry->PathOf(key), "missing");
    return Text(entry, key);
  }

  template <typename Map>
  std::vector<std::string> Known(TomlSection* entry, std::string_view key, const Map& names) {
    const std::vector<std::string> texts = Texts(entry, key, kMaxNames);
    for (const std::string& text : texts) {
      if (!text.empty() && !names.contains(text)) {
        Fail(LineOf(*entry->Take(key)), entry->PathOf(key), "this file has no such name");
      }
    }
    return texts;
  }

  std::vector<std::string> Places(TomlSection* entry, std::string_view key) {
    std::set<std::string> places;
    for (const std::string& text : Texts(entry, key, kMaxNames)) {
      const auto group = groups_.find(text);
      if (group != groups_.end()) {
        places.insert(group->second.begin(), group->second.end());
      } else if (IsPlace(text)) {
        places.insert(text);
      } else {
        Fail(LineOf(*entry->Take(key)), entry->PathOf(key),
             "places as DE or US-CA expected, or the name of a group");
      }
    }
    return {places.begin(), places.end()};
  }

  ObligationLimit Limit(TomlSection* entry) {
    ObligationLimit limit;
    limit.clocks = Known(entry, "clocks", file_.clocks);
    limit.after = Text(entry, "after");
    if (limit.clocks.empty() == limit.after.empty()) {
      Fail(entry->line(), entry->path(), "either clocks or after expected");
    }
    // Only what stands before it may be named, so that no two wait for each other.
    if (!limit.after.empty() && !IsEarlier(limit.after)) {
      Fail(entry->line(), entry->PathOf("after"), "no obligation before it has this id");
    }
    limit.unless_later = Text(entry, "unless_later");
    if (!limit.unless_later.empty() && !file_.clocks.contains(limit.unless_later)) {
      Fail(entry->line(), entry->PathOf("unless_later"), "this file has no such name");
    }
    int units = 0;
    for (const auto& [key, unit] :
         {std::pair{"hours", Unit::kHours}, std::pair{"days", Unit::kDays},
          std::pair{"business_days", Unit::kBusinessDays}, std::pair{"months", Unit::kMonths}}) {
      if (entry->Take(key) == nullptr) continue;
      ++units;
      limit.unit = unit;
      limit.count = static_cast<int>(Number(entry, key, {1, kMaxCount}, 1));
    }
    if (units > 1) Fail(entry->line(), entry->path(), "more than one unit");
    return limit;
  }

  [[nodiscard]] bool IsEarlier(const std::string& id) const {
    return std::ranges::any_of(file_.rules, [&](const auto& rule) { return rule.id == id; });
  }

  ObligationFile file_;
  std::map<std::string, std::vector<std::string>> groups_;
  std::set<std::string> ids_;
};

}  // namespace

Result<ObligationFile> ParseObligations(std::string_view toml, std::string_view file) {
  ObligationsReader reader(file);
  const std::optional<toml::table> root = reader.Parse(toml, kMaxObligationBytes);
  if (!root) return Error{ErrorCode::kInvalid, reader.errors()};
  return reader.Read(*root);
}

}  // namespace bulkhead
