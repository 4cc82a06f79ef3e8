#include "main/drill_thief.h"

#include <simdjson.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <utility>

#include "main/http_client.h"
#include "main/incident_ask.h"

namespace bulkhead {
namespace {

constexpr const char* kAddresses = "e-mail addresses";
constexpr const char* kNames = "full names";
constexpr std::string_view kDevicePrefix = "$device:";

bool IsWordByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("@._+-").find(c) != std::string_view::npos;
}

// The next run of letters, digits and what addresses are made of, from `*at` on; empty: no more.
std::string_view NextWord(std::string_view text, size_t* at) {
  while (*at < text.size() && !IsWordByte(text[*at])) ++*at;
  const size_t begin = *at;
  while (*at < text.size() && IsWordByte(text[*at])) ++*at;
  std::string_view word = text.substr(begin, *at - begin);
  while (word.ends_with('.')) word.remove_suffix(1);
  return word;
}

bool IsAddress(std::string_view word) {
  const size_t at = word.find('@');
  return at != 0 && at != std::string_view::npos && word.find('.', at) != std::string_view::npos;
}

// Which property holds which kind.
const char* KindOf(std::string_view property) {
  constexpr std::pair<std::string_view, const char*> kKinds[] = {
      {"$name", kNames},          {"$user_id", "user ids"}, {"$device_id", "device ids"},
      {"ip", "IP addresses"},     {"$ip", "IP addresses"},  {"organization", "organisation ids"},
      {"distinct_id", "user ids"}};
  const auto found =
      std::ranges::find(kKinds, property, &std::pair<std::string_view, const char*>::first);
  return found == std::end(kKinds) ? nullptr : found->second;
}

// Of a profile, as the vendor writes it.
std::string_view NameOn(std::string_view line) {
  constexpr std::string_view kName = "\"$name\":\"";
  const size_t at = line.find(kName);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = line.substr(at + kName.size());
  return rest.substr(0, rest.find('"'));
}

Result<std::string> Export(HttpClient* client, const std::string& account,
                           const std::string& what) {
  Result<HttpReply> reply =
      client->Call({.method = "GET", .target = what, .basic = account, .body = {}});
  if (reply && reply->status != 200) {
    return Error{ErrorCode::kBug, "the vendor's export was refused"};
  }
  return reply ? Result<std::string>(std::move(reply->body)) : reply.error();
}

}  // namespace

Result<StolenSet> StealExport(const std::string& vendor_url, const std::string& account,
                              const std::string& path) {
  const Result<std::unique_ptr<HttpClient>> client = HttpClient::Connect(vendor_url);
  if (!client) {
    return client.error();
  }
  const Result<std::string> events =
      Export(client->get(), account, "/api/2.0/export?from_date=2000-01-01&to_date=2100-01-01");
  const Result<std::string> profiles =
      events ? Export(client->get(), account, "/api/query/engage") : events;
  const Result<std::unique_ptr<AppendFile>> file =
      profiles ? MakeNewFile(path) : Result<std::unique_ptr<AppendFile>>(profiles.error());
  if (!file) {
    return file.error();
  }
  for (const std::string* part : {&*events, &*profiles}) {
    if (Result<void> written = (*file)->Append(*part); !written) {
      return written.error();
    }
  }
  const auto lines = [](const std::string& text) {
    return static_cast<uint64_t>(std::ranges::count(text, '\n'));
  };
  return StolenSet{events->size() + profiles->size(), lines(*events), lines(*profiles)};
}

Giveaways::Giveaways(const std::vector<DemoItem>& traffic) {
  simdjson::dom::parser parser;
  for (const DemoItem& item : traffic) {
    for (size_t at = 0; at < item.json.size();) {
      const std::string_view word = NextWord(item.json, &at);
      if (IsAddress(word)) kinds_[kAddresses].emplace(word);
    }
    simdjson::dom::element root;
    simdjson::dom::object properties;
    if (parser.parse(item.json).get(root) != simdjson::SUCCESS ||
        root[item.is_profile ? "$set" : "properties"].get(properties) != simdjson::SUCCESS) {
      continue;
    }
    for (const auto& [name, value] : properties) {
      const char* kind = KindOf(name);
      std::string_view text;
      if (kind == nullptr || value.get(text) != simdjson::SUCCESS) continue;
      if (!text.starts_with(kDevicePrefix)) kinds_[kind].emplace(text);
    }
  }
}

Giveaways::Findings Giveaways::SearchIn(std::string_view text,
                                        const std::string& canary_domain) const {
  Findings findings;
  Found found;
  std::set<std::string_view> canary_names;
  const std::string at_canaries = "@" + canary_domain;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    const bool is_canarys = line.find(at_canaries) != std::string_view::npos;
    SearchLine(line, is_canarys, &found, &findings.addresses);
    if (is_canarys) canary_names.insert(NameOn(line));
  }
  canary_names.erase("");
  const auto canaries = static_cast<uint64_t>(std::ranges::count_if(
      findings.addresses, [&](const std::string& one) { return one.ends_with(at_canaries); }));
  for (const auto& [kind, values] : kinds_) {
    DrillSearch search{kind, values.size(), found[kind].size(), 0};
    if (kind == kNames) search.canaries = canary_names.size();
    if (kind == kAddresses) {
      search.canaries = canaries;
      search.in_stolen = findings.addresses.size() - canaries;
    }
    findings.searches.push_back(std::move(search));
  }
  return findings;
}

// Single words, and for names two words with one space between them.
void Giveaways::SearchLine(std::string_view line, bool is_canarys, Found* found,
                           std::set<std::string>* addresses) const {
  std::string_view before;
  for (size_t at = 0; at < line.size();) {
    const std::string_view word = NextWord(line, &at);
    if (word.empty()) continue;
    if (IsAddress(word)) addresses->emplace(word);
    const bool follows = !before.empty() && before.data() + before.size() + 1 == word.data();
    const std::string_view both =
        follows ? std::string_view(before.data(), before.size() + 1 + word.size()) : word;
    for (const auto& [kind, values] : kinds_) {
      const bool is_name = kind == kNames;
      if (is_name && is_canarys) continue;
      if (values.contains(is_name ? both : word)) (*found)[kind].emplace(is_name ? both : word);
    }
    before = word;
  }
}

}  // namespace bulkhead
