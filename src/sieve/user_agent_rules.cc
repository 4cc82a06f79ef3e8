#include "sieve/user_agent_rules.h"

#include <re2/re2.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxUserAgentBytes = 512;
constexpr size_t kMaxCachedAnswers = 8192;
constexpr int kGroups = 4;

struct Rule {
  std::string pattern;
  bool ignore_case = false;
  std::string family;  // the replacement, "" = the first group
  std::string major;
  std::unique_ptr<RE2> compiled;  // on first use: most are never needed
  bool broken = false;            // look-around, which RE2 refuses
};

struct Answer {
  std::string family;
  std::string major;
};

std::string Text(const YAML::Node& node, const char* key) {
  const YAML::Node value = node[key];
  return value && value.IsScalar() ? value.as<std::string>() : std::string();
}

std::vector<Rule> ReadRules(const YAML::Node& list, const char* family, const char* major) {
  std::vector<Rule> rules;
  for (const YAML::Node& node : list) {
    Rule rule;
    rule.pattern = Text(node, "regex");
    rule.ignore_case = Text(node, "regex_flag") == "i";
    rule.family = Text(node, family);
    rule.major = Text(node, major);
    if (!rule.pattern.empty()) rules.push_back(std::move(rule));
  }
  return rules;
}

// "$1" and "$2" of a replacement stand for the groups.
std::string Fill(const std::string& replacement,
                 const std::array<re2::StringPiece, kGroups>& groups) {
  std::string out;
  for (size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] == '$' && i + 1 < replacement.size() && replacement[i + 1] >= '1' &&
        replacement[i + 1] < '0' + kGroups) {
      const re2::StringPiece& group = groups[static_cast<size_t>(replacement[++i] - '0')];
      if (group.data() != nullptr) out.append(group.data(), group.size());
    } else {
      out.push_back(replacement[i]);
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

Answer FirstMatch(std::vector<Rule>* rules, std::string_view text) {
  const re2::StringPiece whole(text.data(), text.size());
  std::array<re2::StringPiece, kGroups> groups;
  for (Rule& rule : *rules) {
    if (rule.broken) continue;
    if (!rule.compiled) {
      RE2::Options options;
      options.set_encoding(RE2::Options::EncodingLatin1);
      options.set_log_errors(false);
      options.set_case_sensitive(!rule.ignore_case);
      rule.compiled = std::make_unique<RE2>(rule.pattern, options);
      rule.broken = !rule.compiled->ok();
      if (rule.broken) continue;
    }
    const int count = std::min(rule.compiled->NumberOfCapturingGroups() + 1, kGroups);
    groups.fill(re2::StringPiece());
    if (!rule.compiled->Match(whole, 0, text.size(), RE2::UNANCHORED, groups.data(), count))
      continue;
    return {Fill(rule.family.empty() ? "$1" : rule.family, groups),
            Fill(rule.major.empty() ? "$2" : rule.major, groups)};
  }
  return {"Other", ""};
}

// Families come from the rules' text, but "$1" may copy what the client wrote.
std::string Bounded(std::string text) {
  if (text.size() > 64) text.resize(64);
  return text;
}

std::string MajorDigits(const std::string& text) {
  const size_t end = text.find_first_not_of("0123456789");
  return text.substr(0, std::min<size_t>(end, 6));
}

}  // namespace

struct UserAgentRules::Rules {
  std::mutex mutex;
  std::vector<Rule> browsers;
  std::vector<Rule> systems;
  std::vector<Rule> devices;
  // By a digest under a key that nobody has: what clients wrote stays nowhere.
  KeyedHash digest{RandomSecret(kKeyBytes)};
  std::unordered_map<std::string, UserAgent> answers;
};

UserAgentRules::UserAgentRules(std::unique_ptr<Rules> rules) : rules_(std::move(rules)) {}
UserAgentRules::~UserAgentRules() = default;

bool UserAgentRules::empty() const { return rules_->browsers.empty(); }

Result<std::unique_ptr<UserAgentRules>> UserAgentRules::Load(const std::string& path) {
  auto rules = std::make_unique<Rules>();
  std::error_code error;
  if (!path.empty() && std::filesystem::exists(path, error)) {
    try {
      const YAML::Node root = YAML::LoadFile(path);
      rules->browsers =
          ReadRules(root["user_agent_parsers"], "family_replacement", "v1_replacement");
      rules->systems = ReadRules(root["os_parsers"], "os_replacement", "os_v1_replacement");
      rules->devices = ReadRules(root["device_parsers"], "device_replacement", "unused");
    } catch (const YAML::Exception&) {
      return Error{ErrorCode::kUnavailable,
                   "user agent rules " + path + ": no YAML of uap-core's form"};
    }
  }
  return std::unique_ptr<UserAgentRules>(new UserAgentRules(std::move(rules)));
}

UserAgent UserAgentRules::LookUp(std::string_view user_agent) const {
  if (user_agent.size() > kMaxUserAgentBytes) user_agent = user_agent.substr(0, kMaxUserAgentBytes);
  if (user_agent.empty() || empty()) return {};
  const std::lock_guard lock(rules_->mutex);
  std::string key(16, '\0');
  rules_->digest.Digest128(user_agent, reinterpret_cast<uint8_t*>(key.data()));
  const auto known = rules_->answers.find(key);
  if (known != rules_->answers.end()) return known->second;
  UserAgent answer;
  const Answer browser = FirstMatch(&rules_->browsers, user_agent);
  answer.browser = Bounded(browser.family);
  answer.browser_major = MajorDigits(browser.major);
  answer.os = Bounded(FirstMatch(&rules_->systems, user_agent).family);
  answer.device = Bounded(FirstMatch(&rules_->devices, user_agent).family);
  if (rules_->answers.size() >= kMaxCachedAnswers) rules_->answers.clear();
  rules_->answers.emplace(key, answer);
  return answer;
}

}  // namespace bulkhead
