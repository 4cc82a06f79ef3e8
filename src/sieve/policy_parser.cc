#include "sieve/policy_parser.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "sieve/field_classes.h"
#include "sieve/policy_defaults.h"

namespace bulkhead {
namespace {

constexpr int64_t kSchema = 1;
constexpr size_t kMaxErrors = 20;
constexpr size_t kMaxProjects = 1000;
constexpr size_t kMaxRules = 1000;
constexpr size_t kMaxNames = 1000;
constexpr size_t kMaxAlerts = 100;
constexpr size_t kMaxShortList = 64;
constexpr size_t kMaxTextBytes = 512;
constexpr size_t kMaxUrlBytes = 2048;
constexpr int64_t kMaxDays = 36500;
constexpr int64_t kMaxSmallCount = 1'000'000;

// One table of the file: hands out its keys and knows which nobody asked for.
class Section {
 public:
  Section(const toml::table& table, std::string path) : table_(table), path_(std::move(path)) {}

  [[nodiscard]] const toml::node* Take(std::string_view key) {
    taken_.insert(key);
    return table_.get(key);
  }
  [[nodiscard]] std::string PathOf(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  }
  [[nodiscard]] uint32_t line() const { return table_.source().begin.line; }
  [[nodiscard]] const std::string& path() const { return path_; }

  template <typename F>
  void ForEachUnknown(const F& f) const {
    for (auto&& [key, node] : table_) {
      if (!taken_.contains(key.str())) f(key.str(), key.source().begin.line);
    }
  }

 private:
  const toml::table& table_;
  std::string path_;
  std::set<std::string_view> taken_;
};

bool IsPlainText(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

bool IsAddress(const std::string& text) {
  uint8_t bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

// scheme://host[:port][/path]; no user, no fragment.
bool IsWebAddress(std::string_view url, bool plain_http) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!url.starts_with(scheme)) continue;
    if (scheme == "http://" && !plain_http) return false;
    const std::string_view rest = url.substr(scheme.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    return !authority.empty() && rest.find_first_of("@#\\ ") == std::string_view::npos;
  }
  return false;
}

class PolicyReader {
 public:
  explicit PolicyReader(std::string_view file) : file_(file) {}

  Result<Policy> Read(const toml::table& root) {
    Policy policy;
    Section top(root, "");
    const toml::node* schema = top.Take("schema");
    if (schema == nullptr) {
      Fail(1, "schema", "missing: schema = 1 expected");
    } else if (schema->value_exact<int64_t>() != kSchema) {
      Fail(LineOf(*schema), "schema", "1 expected: this program knows no other");
    }
    if (const toml::table* table = TableAt(&top, "everywhere")) {
      policy.everywhere = Project(*table, "everywhere");
    }
    if (const toml::table* projects = TableAt(&top, "project")) ReadProjects(*projects, &policy);
    Finish(top);
    if (errors_.empty()) return policy;
    return Error{ErrorCode::kInvalid, errors_};
  }

  void Fail(uint32_t line, std::string_view path, std::string_view what) {
    if (++error_count_ > kMaxErrors) return;
    if (!errors_.empty()) errors_.push_back('\n');
    errors_.append(file_).append(1, ':').append(std::to_string(line)).append(": ");
    if (!path.empty()) errors_.append(path).append(": ");
    errors_.append(what);
  }
  [[nodiscard]] const std::string& errors() const { return errors_; }

 private:
  static uint32_t LineOf(const toml::node& node) { return node.source().begin.line; }

  void Finish(const Section& section) {
    section.ForEachUnknown([&](std::string_view key, uint32_t line) {
      // The key is the operator's own word; what cannot be shown in a line is not.
      const bool shown = key.size() <= 64 && IsPlainText(key);
      Fail(line, section.PathOf(shown ? key : "..."), "unknown key");
    });
  }

  const toml::table* TableAt(Section* section, std::string_view key) {
    const toml::node* node = section->Take(key);
    if (node == nullptr) return nullptr;
    if (!node->is_table()) Fail(LineOf(*node), section->PathOf(key), "a table expected");
    return node->as_table();
  }

  std::string Text(Section* section, std::string_view key, size_t max_bytes = kMaxTextBytes) {
    const toml::node* node = section->Take(key);
    return node == nullptr ? std::string() : TextOf(*node, section->PathOf(key), max_bytes);
  }

  std::string TextOf(const toml::node& node, const std::string& path, size_t max_bytes) {
    const auto* text = node.as_string();
    if (text == nullptr) {
      Fail(LineOf(node), path, "a string expected");
    } else if (text->get().empty()) {
      Fail(LineOf(node), path, "must not be empty");
    } else if (text->get().size() > max_bytes) {
      Fail(LineOf(node), path, "longer than " + std::to_string(max_bytes) + " bytes");
    } else if (!IsPlainText(text->get())) {
      Fail(LineOf(node), path, "holds a control character");
    } else {
      return text->get();
    }
    return {};
  }

  int64_t Number(Section* section, std::string_view key, std::pair<int64_t, int64_t> bounds,
                 int64_t fallback) {
    const toml::node* node = section->Take(key);
    if (node == nullptr) return fallback;
    const auto number = node->value_exact<int64_t>();
    if (number && *number >= bounds.first && *number <= bounds.second) return *number;
    Fail(LineOf(*node), section->PathOf(key),
         "a whole number from " + std::to_string(bounds.first) + " to " +
             std::to_string(bounds.second) + " expected");
    return fallback;
  }

  bool Flag(Section* section, std::string_view key, bool fallback) {
    const toml::node* node = section->Take(key);
    if (node == nullptr) return fallback;
    const auto flag = node->value_exact<bool>();
    if (!flag) Fail(LineOf(*node), section->PathOf(key), "true or false expected");
    return flag.value_or(fallback);
  }

  template <typename T, size_t N>
  T Choice(Section* section, std::string_view key,
           const std::pair<std::string_view, T> (&choices)[N], T fallback) {
    const toml::node* node = section->Take(key);
    if (node == nullptr) return fallback;
    const auto* text = node->as_string();
    std::string expected;
    for (const auto& [name, value] : choices) {
      if (text != nullptr && text->get() == name) return value;
      expected.append(expected.empty() ? "" : ", ").append(name);
    }
    Fail(LineOf(*node), section->PathOf(key), "one of " + expected + " expected");
    return fallback;
  }

  // Calls f(element, path) for each; nothing where the key is absent.
  template <typename F>
  void ForEach(Section* section, std::string_view key, size_t limit, const F& f) {
    const toml::node* node = section->Take(key);
    if (node == nullptr) return;
    const std::string path = section->PathOf(key);
    const toml::array* list = node->as_array();
    if (list == nullptr) return Fail(LineOf(*node), path, "a list expected");
    if (list->size() > limit)
      return Fail(LineOf(*node), path, "more than " + std::to_string(limit) + " entries");
    for (size_t i = 0; i < list->size(); ++i) {
      f((*list)[i], path + "[" + std::to_string(i) + "]");
    }
  }

  // A set: sorted, each once.
  std::vector<std::string> Texts(Section* section, std::string_view key, size_t limit) {
    std::vector<std::string> texts;
    ForEach(section, key, limit, [&](const toml::node& node, const std::string& path) {
      texts.push_back(TextOf(node, path, kMaxTextBytes));
    });
    std::ranges::sort(texts);
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    return texts;
  }

  template <typename F>
  void ForEachTable(Section* section, std::string_view key, size_t limit, const F& f) {
    ForEach(section, key, limit, [&](const toml::node& node, const std::string& path) {
      const toml::table* table = node.as_table();
      if (table == nullptr) return Fail(LineOf(node), path, "a table expected");
      Section entry(*table, path);
      f(&entry);
      Finish(entry);
    });
  }

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
    Section section(table, std::move(path));
    static constexpr std::pair<std::string_view, bool> kModes[] = {{"default", false},
                                                                   {"allow-list", true}};
    project.allow_list = Choice(&section, "mode", kModes, false);
    project.allow = Texts(&section, "allow", kMaxNames);
    project.allow_standard = Flag(&section, "allow_standard", true);
    project.allow_query = Texts(&section, "allow_query", kMaxNames);
    project.small_count = static_cast<uint64_t>(
        Number(&section, "small_count", {1, kMaxSmallCount}, kDefaultSmallCount));
    ForEachTable(&section, "rule", kMaxRules,
                 [&](Section* entry) { project.rules.push_back(Rule(entry)); });
    if (const toml::table* consent = TableAt(&section, "consent")) {
      project.consent = Consent(*consent, section.PathOf("consent"));
    }
    if (const toml::table* retention = TableAt(&section, "retention")) {
      project.retention = Retention(*retention, section.PathOf("retention"));
    }
    ForEachTable(&section, "alert", kMaxAlerts,
                 [&](Section* entry) { project.alerts.push_back(Alert(entry)); });
    Finish(section);
    return project;
  }

  PolicyRule Rule(Section* entry) {
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

  void ReadAction(Section* entry, PolicyRule* rule) {
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
  void CheckWeakening(Section* entry, const PolicyRule& rule) {
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
    Section section(table, std::move(path));
    consent.opt_out_properties = Texts(&section, "opt_out_properties", kMaxShortList);
    consent.opt_out = Choice(&section, "opt_out", kAnswers, ConsentAnswer::kDrop);
    consent.do_not_track = Choice(&section, "dnt", kAnswers, ConsentAnswer::kIgnore);
    consent.global_privacy_control = Choice(&section, "gpc", kAnswers, ConsentAnswer::kIgnore);
    Finish(section);
    return consent;
  }

  RetentionPolicy Retention(const toml::table& table, std::string path) {
    RetentionPolicy retention;
    Section section(table, std::move(path));
    retention.days = static_cast<int>(Number(&section, "days", {1, kMaxDays}, 0));
    ForEachTable(&section, "event", kMaxNames, [&](Section* entry) {
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

  AlertRoute Alert(Section* entry) {
    AlertRoute route;
    route.team = Text(entry, "team");
    if (entry->Take("library") != nullptr) route.library = Text(entry, "library");
    ForEach(entry, "allow_addresses", kMaxShortList,
            [&](const toml::node& node, const std::string& path) {
              route.allow_addresses.push_back(TextOf(node, path, kMaxTextBytes));
              if (!IsAddress(route.allow_addresses.back())) {
                Fail(LineOf(node), path, "an IP address expected, without a port");
              }
            });
    std::ranges::sort(route.allow_addresses);
    route.url = Text(entry, "url", kMaxUrlBytes);
    if (!IsWebAddress(route.url, !route.allow_addresses.empty())) {
      Fail(
          entry->line(), entry->PathOf("url"),
          "https://HOST/PATH expected; http only with allow_addresses, never a user or a fragment");
    }
    route.secret = Text(entry, "secret");
    if (!IsName(route.secret)) {
      Fail(entry->line(), entry->PathOf("secret"),
           "the name of a secret expected: letters, digits, '-', '_', '.'");
    }
    route.only_secrets = Flag(entry, "only_secrets", false);
    return route;
  }

  std::string file_;
  std::string errors_;
  size_t error_count_ = 0;
};

}  // namespace

Result<Policy> ParsePolicy(std::string_view toml, std::string_view file) {
  PolicyReader reader(file);
  if (toml.size() > kMaxPolicyBytes) {
    reader.Fail(1, "", "larger than " + std::to_string(kMaxPolicyBytes) + " bytes");
    return Error{ErrorCode::kInvalid, reader.errors()};
  }
  const toml::parse_result parsed = toml::parse(toml);
  if (!parsed) {
    // The library's text may quote the file: only its line is passed on.
    reader.Fail(parsed.error().source().begin.line, "", "this is no TOML from here on");
    return Error{ErrorCode::kInvalid, reader.errors()};
  }
  return reader.Read(parsed.table());
}

}  // namespace bulkhead
