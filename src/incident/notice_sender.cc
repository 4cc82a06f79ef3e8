#include "incident/notice_sender.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/hex.h"
#include "incident/dkim.h"
#include "incident/notice_code.h"

namespace bulkhead {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kIdle{1000};
constexpr milliseconds kFirstPause{1000};
constexpr milliseconds kLongestPause{5 * 60 * 1000};
constexpr int64_t kGiveUpAfterMs = 5LL * 24 * 3600 * 1000;  // RFC 5321, 4.5.4.1

// The newest where no number is named.
const SecretBytes* KeyOf(const std::vector<KeyRing::Entry>& keys, uint32_t number) {
  const auto found =
      number == 0 ? keys.end() - 1 : std::ranges::find(keys, number, &KeyRing::Entry::id);
  return found == keys.end() ? nullptr : &found->key;
}

// What a connection depends on.
std::string ConnectionText(const NoticeSettings& settings, uint64_t credential) {
  return fmt::format("{} {} {} {} {} {} {}", settings.relay_host, settings.relay_port,
                     static_cast<int>(settings.relay_tls), settings.relay_user,
                     settings.relay_authorities, fmt::join(settings.allow_addresses, ","),
                     credential);
}

std::string DomainOf(const std::string& address) { return address.substr(address.find('@') + 1); }

}  // namespace

Result<std::string> MakeNoticeMail(const NoticeMailParts& parts, const Notice& notice) {
  const NoticeSettings& settings = *parts.settings;
  const SecretBytes* seed = KeyOf(parts.keys->dkim_ed25519_seeds.entries(), settings.dkim_key);
  const SecretBytes* padded = KeyOf(parts.keys->dkim_rsa_keys, settings.dkim_key);
  if (seed == nullptr || padded == nullptr) {
    return Error{ErrorCode::kUnavailable, "notice.toml: dkim.key names keys that are not there"};
  }
  const Result<RsaKey> rsa = RsaKey::FromPadded(*padded);
  if (!rsa) {
    return Error{ErrorCode::kUnavailable, rsa.error().message};
  }
  const SigningKey ed25519(*seed);
  const Result<MailMessage> mail =
      ComposeMail({settings.from_name, settings.from, std::string(parts.to), parts.now_ms,
                   std::string(parts.id)},
                  notice);
  if (!mail) {
    return mail.error();
  }
  const DkimSigner signer{settings.dkim_domain, settings.rsa_selector, settings.ed25519_selector,
                          &*rsa, &ed25519};
  const Result<MailMessage> signed_mail = SignMail(signer, *mail, parts.now_ms / 1000);
  return signed_mail ? Result<std::string>(WriteMail(*signed_mail)) : signed_mail.error();
}

NoticeSender::~NoticeSender() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void NoticeSender::Start() {
  thread_ = std::thread([this] { Run(); });
}

void NoticeSender::Wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_all();
}

std::string NoticeSender::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void NoticeSender::Run() {
  for (;;) {
    const milliseconds wait = Step();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, wait, [this] { return stop_ || woken_; });
    if (stop_) {
      return;
    }
    woken_ = false;
  }
}

milliseconds NoticeSender::Trouble(std::string what) {
  client_.reset();
  pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
  bool is_new = false;
  {
    const std::lock_guard lock(mutex_);
    is_new = trouble_ != what;
    trouble_ = std::move(what);
  }
  if (is_new) parts_.log("notices wait: " + trouble());
  return pause_;
}

Result<void> NoticeSender::Connect(const NoticeSettings& settings) {
  std::string made_with = ConnectionText(settings, parts_.credential->changes());
  if (client_ != nullptr && made_with == connected_by_) {
    return {};
  }
  client_.reset();
  password_ = parts_.credential->Get();
  SmtpRelay relay;
  relay.host = settings.relay_host;
  relay.port = settings.relay_port;
  relay.tls = settings.relay_tls;
  relay.user = settings.relay_user;
  relay.password = &password_;
  relay.allowed_internal = settings.allow_addresses;
  if (!settings.relay_authorities.empty()) {
    relay.authorities_file = parts_.policy_dir + "/" + settings.relay_authorities;
  }
  relay.own_name = DomainOf(settings.from);
  Result<std::unique_ptr<SmtpClient>> client = parts_.connect(std::move(relay));
  if (!client) {
    return client.error();
  }
  client_ = *std::move(client);
  connected_by_ = std::move(made_with);
  return {};
}

Result<void> NoticeSender::Settle(const DueNotice& due, const SmtpOutcome& outcome) {
  const int64_t now_ms = parts_.clock->NowMs();
  if (outcome.fate == SmtpFate::kLater && now_ms < due.round_made_ms + kGiveUpAfterMs) {
    parts_.rounds->Postpone(due, now_ms);
    return {};
  }
  const bool taken = outcome.fate == SmtpFate::kTaken;
  return parts_.rounds->Note(due, taken ? RecipientState::kTold : RecipientState::kRefused,
                             outcome.code, now_ms);
}

Result<std::string> NoticeSender::Compose(const DueNotice& due,
                                          const NoticeSettings& settings) const {
  const Result<const SecretBytes*> code_key = parts_.keys->notice_code_keys.Find(due.code_key);
  if (!code_key) {
    return Error{ErrorCode::kUnavailable, "the key of the codes was destroyed"};
  }
  const std::string code = NoticeCodes(**code_key).Of(due.incident, due.address);
  const std::string id = HexEncode(Sha256(HexEncode(due.leaf))).substr(0, 32);
  return MakeNoticeMail({&settings, parts_.keys, due.address, id, parts_.clock->NowMs()},
                        WithCode(due.draft, code));
}

Result<SmtpOutcome> NoticeSender::Send(const DueNotice& due, const NoticeSettings& settings) {
  if (!IsMailAddress(due.address)) {
    return SmtpOutcome{SmtpFate::kRefused, 0, ""};
  }
  const Result<std::string> mail = Compose(due, settings);
  if (!mail) {
    return mail.error();
  }
  if (const Result<void> connected = Connect(settings); !connected) {
    return connected.error();
  }
  SmtpOutcome outcome = client_->Send({settings.from, due.address, *mail});
  return outcome.fate == SmtpFate::kNoRelay
             ? Result<SmtpOutcome>(Error{ErrorCode::kUnavailable, std::move(outcome.why)})
             : outcome;
}

milliseconds NoticeSender::Step() {
  const std::optional<DueNotice> due = parts_.rounds->Next(parts_.clock->NowMs());
  if (!due) {
    client_.reset();
    return kIdle;
  }
  const Result<NoticeSettings> settings = parts_.settings();
  if (!settings) {
    return Trouble(settings.error().message);
  }
  const Result<SmtpOutcome> outcome = Send(*due, *settings);
  const Result<void> settled = outcome ? Settle(*due, *outcome) : Result<void>(outcome.error());
  if (!settled) {
    return Trouble(settled.error().message);
  }
  pause_ = milliseconds(0);
  {
    const std::lock_guard lock(mutex_);
    trouble_.clear();
  }
  return milliseconds(1000 / settings->mails_per_second);
}

}  // namespace bulkhead
