#include "egress/smtp_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "egress/outbound_address.h"
#include "egress/web_address.h"

namespace bulkhead {
namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* thing) const {
    Free(thing);
  }
};
using Handle = std::unique_ptr<CURL, Freer<curl_easy_cleanup>>;
using List = std::unique_ptr<curl_slist, Freer<curl_slist_free_all>>;

constexpr std::string_view kBody = "(text)";

void InitCurl() {
  static std::once_flag once;
  std::call_once(once, [] { Check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "libcurl"); });
}

bool Add(std::string_view text, List* list) {
  curl_slist* longer = curl_slist_append(list->get(), std::string(text).c_str());
  if (longer == nullptr) return false;
  static_cast<void>(list->release());
  list->reset(longer);
  return true;
}

// What libcurl reads and reports while one mail is under way.
struct Dialogue {
  std::string_view left;  // of the text
  std::string verb;       // of the last command, or kBody
};

size_t GiveText(char* buffer, size_t size, size_t count, void* context) {
  auto* dialogue = static_cast<Dialogue*>(context);
  dialogue->verb = kBody;
  const size_t given = std::min(size * count, dialogue->left.size());
  std::memcpy(buffer, dialogue->left.data(), given);
  dialogue->left.remove_prefix(given);
  return given;
}

// Only the names of commands: what follows one, and a line that is none, may be a password or an
// address.
int NoteCommand(CURL* /*handle*/, curl_infotype type, char* data, size_t size, void* context) {
  if (type != CURLINFO_HEADER_OUT) return 0;
  const std::string_view text(data, size);
  for (const std::string_view verb : {"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA"}) {
    if (text.starts_with(verb)) static_cast<Dialogue*>(context)->verb = verb;
  }
  return 0;
}

class CurlClient final : public SmtpClient {
 public:
  explicit CurlClient(SmtpRelay relay) : relay_(std::move(relay)) {}

  SmtpOutcome Send(const SmtpMail& mail) override {
    if (handle_ == nullptr) {
      if (const Result<void> opened = Open(); !opened) {
        return {SmtpFate::kNoRelay, 0, opened.error().message};
      }
    }
    List recipients;
    Dialogue dialogue{mail.text, ""};
    const std::string from = "<" + mail.from + ">";
    if (!Add("<" + mail.to + ">", &recipients) || !Set(CURLOPT_MAIL_FROM, from.c_str()) ||
        !Set(CURLOPT_MAIL_RCPT, recipients.get()) || !Set(CURLOPT_READDATA, &dialogue) ||
        !Set(CURLOPT_DEBUGDATA, &dialogue) ||
        !Set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail.text.size()))) {
      return {SmtpFate::kNoRelay, 0, "libcurl refuses a setting"};
    }
    const CURLcode done = curl_easy_perform(handle_.get());
    long code = 0;
    static_cast<void>(curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &code));
    return OutcomeOf(done, static_cast<int>(code), dialogue.verb);
  }

 private:
  template <typename Value>
  bool Set(CURLoption option, Value value) {
    return curl_easy_setopt(handle_.get(), option, value) == CURLE_OK;
  }

  // The connection ends with the handle.
  SmtpOutcome OutcomeOf(CURLcode done, int code, std::string_view verb) {
    if (done == CURLE_OK) return {SmtpFate::kTaken, code, ""};
    // Without a whole reply to the last command it is the connection that broke.
    const bool replied = done == CURLE_SEND_ERROR || done == CURLE_WEIRD_SERVER_REPLY ||
                         done == CURLE_RECV_ERROR || done == CURLE_LOGIN_DENIED;
    const bool refused = replied && code >= 400 && code < 600;
    handle_.reset();
    SmtpOutcome outcome{refused ? JudgeReply(verb, code) : SmtpFate::kNoRelay, refused ? code : 0,
                        ""};
    if (outcome.fate == SmtpFate::kNoRelay) {
      outcome.why = refused ? fmt::format("{} answers {} to {}", relay_.host, code, verb)
                            : fmt::format("{}: {}", relay_.host, curl_easy_strerror(done));
    }
    return outcome;
  }

  Result<void> Open() {
    const Result<std::vector<std::string>> addresses =
        FindAddresses(relay_.host, relay_.allowed_internal);
    if (!addresses) return addresses.error();
    if (relay_.tls == SmtpTls::kNone &&
        !std::ranges::all_of(*addresses, [](const auto& one) { return IsInternalAddress(one); })) {
      return Error{ErrorCode::kDenied, relay_.host + " is outside: not without TLS"};
    }
    InitCurl();
    handle_.reset(curl_easy_init());
    resolved_.reset();
    const bool is_name = std::ranges::find(*addresses, relay_.host) == addresses->end();
    const std::string host = relay_.host.find(':') == std::string::npos || is_name
                                 ? relay_.host
                                 : "[" + relay_.host + "]";
    const std::string url =
        fmt::format("{}://{}:{}/{}", relay_.tls == SmtpTls::kImplicit ? "smtps" : "smtp", host,
                    relay_.port, relay_.own_name);
    bool set = handle_ != nullptr;
    if (set && is_name) {
      set = Add(fmt::format("{}:{}:{}", relay_.host, relay_.port, fmt::join(*addresses, ",")),
                &resolved_) &&
            Set(CURLOPT_RESOLVE, resolved_.get());
    }
    if (set && SetAll(url)) return {};
    handle_.reset();
    return Error{ErrorCode::kUnavailable, "libcurl refuses a setting"};
  }

  bool SetAll(const std::string& url) {
    const auto seconds = static_cast<long>(relay_.timeout.count());
    bool set = Set(CURLOPT_URL, url.c_str()) && Set(CURLOPT_PROTOCOLS_STR, "smtp,smtps") &&
               Set(CURLOPT_PROXY, "") && Set(CURLOPT_NOSIGNAL, 1L) && Set(CURLOPT_UPLOAD, 1L) &&
               Set(CURLOPT_TIMEOUT, seconds) && Set(CURLOPT_CONNECTTIMEOUT, seconds) &&
               Set(CURLOPT_SERVER_RESPONSE_TIMEOUT, seconds) && Set(CURLOPT_VERBOSE, 1L) &&
               Set(CURLOPT_DEBUGFUNCTION, &NoteCommand) && Set(CURLOPT_READFUNCTION, &GiveText) &&
               Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (set && relay_.tls != SmtpTls::kNone) {
      set = Set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
    }
    if (set && !relay_.authorities_file.empty()) {
      set = Set(CURLOPT_CAINFO, relay_.authorities_file.c_str()) &&
            Set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (set && !relay_.user.empty()) {
      std::string password(relay_.password->view());
      set = Set(CURLOPT_USERNAME, relay_.user.c_str()) && Set(CURLOPT_PASSWORD, password.c_str());
      Wipe(&password);
    }
    return set;
  }

  const SmtpRelay relay_;
  List resolved_;  // outlives the handle
  Handle handle_;
};

}  // namespace

SmtpFate JudgeReply(std::string_view verb, int code) {
  const bool of_recipient = verb == "RCPT" || verb == "DATA" || verb == kBody;
  if (code >= 200 && code < 400) return SmtpFate::kTaken;
  if (!of_recipient || code == 421) return SmtpFate::kNoRelay;
  return code < 500 ? SmtpFate::kLater : SmtpFate::kRefused;
}

Result<std::unique_ptr<SmtpClient>> MakeSmtpClient(SmtpRelay relay) {
  if (!relay.user.empty() && (relay.password == nullptr || relay.password->empty())) {
    return Error{ErrorCode::kInvalid, "the relay's password has not been given"};
  }
  if (relay.tls == SmtpTls::kNone && !relay.user.empty()) {
    return Error{ErrorCode::kInvalid, "no sign-in without TLS"};
  }
  return std::unique_ptr<SmtpClient>(std::make_unique<CurlClient>(std::move(relay)));
}

}  // namespace bulkhead
