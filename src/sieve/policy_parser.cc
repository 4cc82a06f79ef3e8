#include "sieve/policy_parser.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "base/toml_reader.h"
#include "sieve/field_classes.h"
#include "sieve/policy_defaults.h"
#include "sieve/policy_words.h"
#include "sieve/vendor_policy_parser.h"

namespace bulkhead {
namespace {

constexpr int64_t kSchema = 1;
constexpr size_t kMaxProjects = 1000;
constexpr size_t kMaxRules = 1000;
constexpr size_t kMaxNames = 1000;
constexpr size_t kMaxAlerts = 100;
constexpr size_t kMaxShortList = 64;
constexpr size_t kMaxUrlBytes = 2048;
constexpr int64_t kMaxDays = 36500;
constexpr int64_t kMaxSmallCount = 1'000'000;

// Inherits the words of TomlReader, which every line below speaks in.
class PolicyReader : private TomlReader {
 public:
  using TomlReader::errors;
  using TomlReader::Parse;
  explicit PolicyReader(std::string_view file) : TomlReader(file) {}

  Result<Policy> Read(const toml::table& root) {
    Policy policy;
    TomlSection top(root, "");
    Schema(&top, kSchema);
    if (const toml::table* table = TableAt(&top, "everywhere")) {
      policy.everywhere = Project(*table, "everywhere");
    }
    if (const toml::table* projects = TableAt(&top, "project")) ReadProjects(*projects, &policy);
    if (const toml::table* vendors = TableAt(&top, "vendor")) {
      policy.vendors = ReadVendors(*vendors, this);
    }
    Finish(top);
    if (errors().empty()) return policy;
    return Error{ErrorCode::kInvalid, errors()};
  }

 private:
  void ReadProjects(const toml::table& projects, Policy* policy) {
    if (projects.size() > kMaxProjects) {
      return Fail(projects.source().begin.line, "project",
                  "more than " + std::to_string(kMaxProjects) + " projects");
    }
    for (auto&& [key, node] : projects) {
      const std::string_view name = key.str();
      uint32_t number = 0;
      const bool digits = !name.empty() && name.size() <= 9 && name.front() != '0' &&
                          name.find_first_not_of("0123456789") == std::string_view::npos;
      if (digits) number = static_cast<uint32_t>(std::stoul(std::string(name)));
      if (number == 0) {
        Fail(key.source().begin.line, "project", "the number of a project expected as its key");
      } else if (const toml::table* table = node.as_table()) {
        policy->projects[ProjectId{number}] = Project(*table, "project." + std::string(name));
      } else {
        Fail(key.source().begin.line, "project." + std::string(name), "a table expected");
      }
    }
  }

  ProjectPolicy Project(const toml::table& table, std::string path) {
    ProjectPolicy project;
    TomlSection section(table, std::move(path));
    static constexpr std::pair<std::string_view, bool> kModes[] = {{"default", false},
                                                                   {"allow-list", true}};
    project.allow_list = Choice(&section, "mode", kModes, false);
    project.allow = Texts(&section, "allow", kMaxNames);
    project.allow_standard = Flag(&section, "allow_standard", true);
    project.allow_query = Texts(&section, "allow_query", kMaxNames);
    project.small_count = static_cast<uint64_t>(
        Number(&section, "small_count", {1, kMaxSmallCount}, kDefaultSmallCount));
    ForEachTable(&section, "rule", kMaxRules,
                 [&](TomlSection* entry) { project.rules.push_back(Rule(entry)); });
    if (const toml::table* consent = TableAt(&section, "consent")) {
      project.consent = Consent(*consent, section.PathOf("consent"));
    }
    if (const toml::table* retention = TableAt(&section, "retention")) {
      project.retention = Retention(*retention, section.PathOf("retention"));
    }
    ForEachTable(&section, "alert", kMaxAlerts,
                 [&](TomlSection* entry) { project.alerts.push_back(Alert(entry)); });
    Finish(section);
    return project;
  }

  PolicyRule Rule(TomlSection* entry) {
    PolicyRule rule;
    int patterns = 0;
    for (const auto& [key, by] :
         {std::pair{"property", PolicyRule::By::kProperty},
          std::pair{"path", PolicyRule::By::kPath}, std::pair{"glob", PolicyRule::By::kGlob}}) {
      const toml::node* node = entry->Take(key);
      if (node == nullptr) continue;
      ++patterns;
      rule.by = by;
      rule.pattern = TextOf(*node, entry->PathOf(key), kMaxTextBytes);
    }
    if (patterns != 1) {
      Fail(entry->line(), entry->path(), "exactly one of property, path and glob expected");
    }
    rule.event = Text(entry, "event");
    static constexpr std::pair<std::string_view, PolicyRule::On> kOn[] = {
        {"both", PolicyRule::On::kBoth},
        {"events", PolicyRule::On::kEvents},
        {"profiles", PolicyRule::On::kProfiles}};
    rule.on = Choice(entry, "on", kOn,
                     rule.event.empty() ? PolicyRule::On::kBoth : PolicyRule::On::kEvents);
    if (!rule.event.empty() && rule.on != PolicyRule::On::kEvents) {
      Fail(entry->line(), entry->PathOf("on"), "profiles have no event: events expected");
    }
    ReadAction(entry, &rule);
    rule.field_class = Text(entry, "class");
    if (!rule.field_class.empty() && !IsFieldClass(rule.field_class)) {
      Fail(LineOf(*entry->Take("class")), entry->PathOf("class"),
           "a Fideslang data category expected, such as user.contact.email");
    }
    rule.allow_plain = Texts(entry, "allow_plain", kMaxShortList);
    rule.reason = Text(entry, "reason");
    CheckWeakening(entry, rule);
    return rule;
  }

  void ReadAction(TomlSection* entry, PolicyRule* rule) {
    const toml::node* node = entry->Take("action");
    const auto* text = node != nullptr ? node->as_string() : nullptr;
    const std::optional<Action> action =
        text != nullptr ? ActionNamed(text->get()) : std::optional<Action>();
    if (action) {
      rule->action = *action;
    } else {
      Fail(node != nullptr ? LineOf(*node) : entry->line(), entry->PathOf("action"),
           "one of keep, coarsen, token, seal, token+seal, redact, drop expected");
    }
  }

  // Defaults are weakened in words only, and never for secrets.
  void CheckWeakening(TomlSection* entry, const PolicyRule& rule) {
    for (const std::string& kind : rule.allow_plain) {
      if (!kind.empty() && !IsPersonalKind(kind)) {
        Fail(LineOf(*entry->Take("allow_plain")), entry->PathOf("allow_plain"),
             "one of " + PersonalKinds() + " expected; secrets are never plain");
      }
    }
    if (!rule.allow_plain.empty() && rule.action != Action::kKeep) {
      Fail(LineOf(*entry->Take("allow_plain")), entry->PathOf("allow_plain"), "only beside keep");
    }
    const Weakening weakening = WeakeningOf(rule);
    if (weakening == Weakening::kOfSecret) {
      Fail(entry->line(), entry->PathOf("action"), "this name is a secret's: only redact and drop");
    } else if (rule.reason.empty() &&
               (weakening == Weakening::kOfPersonal || !rule.allow_plain.empty())) {
      Fail(entry->line(), entry->PathOf("reason"),
           "missing: this rule keeps more than the default does, and must say why");
    }
  }

  ConsentPolicy Consent(const toml::table& table, std::string path) {
    static constexpr std::pair<std::string_view, ConsentAnswer> kAnswers[] = {
        {"ignore", ConsentAnswer::kIgnore},
        {"drop", ConsentAnswer::kDrop},
        {"without-person", ConsentAnswer::kWithoutPerson}};
    ConsentPolicy consent;
    TomlSection section(table, std::move(path));
    consent.opt_out_properties = Texts(&section, "opt_out_properties", kMaxShortList);
    consent.opt_out = Choice(&section, "opt_out", kAnswers, ConsentAnswer::kDrop);
    consent.do_not_track = Choice(&section, "dnt", kAnswers, ConsentAnswer::kIgnore);
    consent.global_privacy_control = Choice(&section, "gpc", kAnswers, ConsentAnswer::kIgnore);
    Finish(section);
    return consent;
  }

  RetentionPolicy Retention(const toml::table& table, std::string path) {
    RetentionPolicy retention;
    TomlSection section(table, std::move(path));
    retention.days = static_cast<int>(Number(&section, "days", {1, kMaxDays}, 0));
    ForEachTable(&section, "event", kMaxNames, [&](TomlSection* entry) {
      EventRetention& one = retention.events.emplace_back();
      one.event = Text(entry, "name");
      one.days = static_cast<int>(Number(entry, "days", {1, kMaxDays}, 0));
      if (entry->Take("name") == nullptr || entry->Take("days") == nullptr) {
        Fail(entry->line(), entry->path(), "name and days expected");
      }
    });
    Finish(section);
    return retention;
  }

  AlertRoute Alert(TomlSection* entry) {
    AlertRoute route;
    route.team = Text(entry, "team");
    if (entry->Take("library") != nullptr) route.library = Text(entry, "library");
    ForEach(entry, "allow_addresses", kMaxShortList,
            [&](const toml::node& node, const std::string& path) {
              route.allow_addresses.push_back(TextOf(node, path, kMaxTextBytes));
              if (!IsIpAddress(route.allow_addresses.back())) {
                Fail(LineOf(node), path, "an IP address expected, without a port");
              }
            });
    std::ranges::sort(route.allow_addresses);
    route.url = Text(entry, "url", kMaxUrlBytes);
    if (!IsWebUrl(route.url, !route.allow_addresses.empty())) {
      Fail(
          entry->line(), entry->PathOf("url"),
          "https://HOST/PATH expected; http only with allow_addresses, never a user or a fragment");
    }
    route.secret = Text(entry, "secret");
    if (!IsPolicyName(route.secret)) {
      Fail(entry->line(), entry->PathOf("secret"),
           "the name of a secret expected: letters, digits, '-', '_', '.'");
    }
    route.only_secrets = Flag(entry, "only_secrets", false);
    return route;
  }
};

}  // namespace

Result<Policy> ParsePolicy(std::string_view toml, std::string_view file) {
  PolicyReader reader(file);
  const std::optional<toml::table> root = reader.Parse(toml, kMaxPolicyBytes);
  if (!root) return Error{ErrorCode::kInvalid, reader.errors()};
  return reader.Read(*root);
}

}  // namespace bulkhead
