// Sends what waits (incident/notice_rounds.h), one mail after another, riskiest first, at the rate
// of the settings: composed, signed twice, handed to the relay, and what became of it written down
// before the next. A thread of its own, or step by step in tests.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "egress/smtp_client.h"
#include "incident/mail_message.h"
#include "incident/notice_credential.h"
#include "incident/notice_rounds.h"
#include "incident/notice_settings.h"

namespace bulkhead {

// A notice for one address as a mail with both signatures. The id, and so the Message-ID, is the
// same at every attempt. kInvalid: an address that no mail goes to. kUnavailable: the settings name
// keys that are not there.
struct NoticeMailParts {
  const NoticeSettings* settings = nullptr;
  const EgressKeys* keys = nullptr;
  std::string_view to, id;
  int64_t now_ms = 0;
};
Result<std::string> MakeNoticeMail(const NoticeMailParts& parts, const Notice& notice);

class NoticeSender {
 public:
  struct Parts {
    NoticeRounds* rounds = nullptr;
    const NoticeCredential* credential = nullptr;
    const EgressKeys* keys = nullptr;
    const Clock* clock = nullptr;
    std::function<Result<NoticeSettings>()> settings;  // read anew each time
    std::string policy_dir;                            // where a file of authorities lies
    std::function<Result<std::unique_ptr<SmtpClient>>(SmtpRelay)> connect = MakeSmtpClient;
    std::function<void(const std::string&)> log;
  };
  explicit NoticeSender(Parts parts) : parts_(std::move(parts)) {}
  ~NoticeSender();
  NoticeSender(const NoticeSender&) = delete;
  NoticeSender& operator=(const NoticeSender&) = delete;

  void Start();
  // Something new waits, or the settings may have changed: looked at without delay.
  void Wake();
  // Sends one mail, if one is due; for how long to wait before the next step.
  std::chrono::milliseconds Step();
  // Why nothing is sent at the moment; empty: nothing is wrong.
  [[nodiscard]] std::string trouble() const;

 private:
  void Run();
  Result<void> Connect(const NoticeSettings& settings);
  std::chrono::milliseconds Trouble(std::string what);
  [[nodiscard]] Result<std::string> Compose(const DueNotice& due,
                                            const NoticeSettings& settings) const;
  Result<SmtpOutcome> Send(const DueNotice& due, const NoticeSettings& settings);
  Result<void> Settle(const DueNotice& due, const SmtpOutcome& outcome);

  const Parts parts_;
  std::unique_ptr<SmtpClient> client_;
  SecretBytes password_;
  std::string connected_by_;  // what the client was made with
  std::chrono::milliseconds pause_{0};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
  bool stop_ = false;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace bulkhead
