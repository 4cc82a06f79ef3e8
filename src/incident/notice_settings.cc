#include "incident/notice_settings.h"

#include <algorithm>

#include "base/toml_reader.h"
#include "egress/web_address.h"
#include "incident/dkim.h"
#include "incident/mail_message.h"

namespace bulkhead {
namespace {

constexpr int64_t kSchema = 1;
constexpr size_t kMaxAddresses = 16;
constexpr int64_t kMaxRate = 100;

bool IsFileName(std::string_view name) {
  return !name.empty() && name.front() != '.' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

// A name or an address: what may stand in a URL.
bool IsHost(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':';
  });
}

// Typed by hand, and it stands in a notice, which may hold no link.
bool IsPage(std::string_view page) {
  return !page.empty() && page.find("://") == std::string_view::npos &&
         std::ranges::all_of(page, [](char c) { return c > 0x20 && c < 0x7F; });
}

class SettingsReader : private TomlReader {
 public:
  using TomlReader::errors;
  using TomlReader::Parse;
  explicit SettingsReader(std::string_view file) : TomlReader(file) {}

  Result<NoticeSettings> Read(const toml::table& root) {
    NoticeSettings settings;
    TomlSection top(root, "");
    Schema(&top, kSchema);
    settings.from = Needed(&top, "from", &IsMailAddress, "an address expected");
    settings.from_name = Text(&top, "from_name");
    settings.check_page = Needed(&top, "check_page", &IsPage, "expected as people type it");
    ReadTable(&top, "dkim", [&](TomlSection* section) { ReadDkim(section, &settings); });
    ReadTable(&top, "relay", [&](TomlSection* section) { ReadRelay(section, &settings); });
    // Else receivers see that the sender and the signer differ (DMARC).
    if (!settings.dkim_domain.empty() && !settings.from.ends_with("@" + settings.dkim_domain) &&
        !settings.from.ends_with("." + settings.dkim_domain)) {
      Fail(top.line(), "from", "an address of dkim.domain expected");
    }
    Finish(top);
    if (errors().empty()) return settings;
    return Error{ErrorCode::kInvalid, errors()};
  }

 private:
  template <typename F>
  void ReadTable(TomlSection* top, std::string_view key, const F& read) {
    const toml::table* table = TableAt(top, key);
    if (table == nullptr) {
      if (top->Take(key) == nullptr) Fail(top->line(), key, "missing");
      return;
    }
    TomlSection section(*table, std::string(key));
    read(&section);
    Finish(section);
  }

  std::string Needed(TomlSection* section, std::string_view key, bool (*good)(std::string_view),
                     std::string_view expected) {
    const toml::node* node = section->Take(key);
    if (node == nullptr) {
      Fail(section->line(), section->PathOf(key), "missing");
      return {};
    }
    std::string text = Text(section, key);
    if (!text.empty() && !good(text)) Fail(LineOf(*node), section->PathOf(key), expected);
    return text;
  }

  void ReadDkim(TomlSection* section, NoticeSettings* settings) {
    constexpr std::string_view kName = "a name of small letters, digits and '-' expected";
    settings->dkim_domain = Needed(section, "domain", &IsDkimName, kName);
    settings->rsa_selector = Needed(section, "rsa_selector", &IsDkimName, kName);
    settings->ed25519_selector = Needed(section, "ed25519_selector", &IsDkimName, kName);
    if (!settings->rsa_selector.empty() && settings->rsa_selector == settings->ed25519_selector) {
      Fail(section->line(), section->PathOf("ed25519_selector"), "another one than RSA's expected");
    }
    settings->dkim_key = static_cast<uint32_t>(Number(section, "key", {1, UINT32_MAX}, 0));
  }

  void ReadRelay(TomlSection* section, NoticeSettings* settings) {
    constexpr std::pair<std::string_view, SmtpTls> kKinds[] = {{"starttls", SmtpTls::kStartTls},
                                                               {"implicit", SmtpTls::kImplicit},
                                                               {"none", SmtpTls::kNone}};
    settings->relay_host = Needed(section, "host", &IsHost, "a name or an address expected");
    settings->relay_port = static_cast<uint16_t>(Number(section, "port", {1, UINT16_MAX}, 587));
    settings->relay_tls = Choice(section, "tls", kKinds, SmtpTls::kStartTls);
    settings->relay_user = Text(section, "user");
    if (settings->relay_tls == SmtpTls::kNone && !settings->relay_user.empty()) {
      Fail(section->line(), section->PathOf("user"), "no sign-in without TLS");
    }
    if (section->Take("authorities") != nullptr) {
      settings->relay_authorities = Needed(section, "authorities", &IsFileName,
                                           "the name of a file beside this one expected");
    }
    settings->allow_addresses = Texts(section, "allow_addresses", kMaxAddresses);
    if (settings->relay_tls == SmtpTls::kNone && settings->allow_addresses.empty()) {
      Fail(section->line(), section->PathOf("allow_addresses"),
           "without TLS, the relay's inner address must be named");
    }
    settings->mails_per_second =
        static_cast<int>(Number(section, "mails_per_second", {1, kMaxRate}, 5));
  }
};

}  // namespace

Result<NoticeSettings> ParseNoticeSettings(std::string_view toml, std::string_view file) {
  SettingsReader reader(file);
  const std::optional<toml::table> root = reader.Parse(toml, kMaxNoticeSettingsBytes);
  if (!root) return Error{ErrorCode::kInvalid, reader.errors()};
  return reader.Read(*root);
}

}  // namespace bulkhead
