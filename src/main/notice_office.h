// Everything in egress that has to do with notices: what waits, who sends it, and who answers
// commands and the page /notice.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "main/notice_desk.h"

namespace bulkhead {

class NoticeOffice {
 public:
  struct Parts {
    FileSystem* fs = nullptr;
    const Clock* clock = nullptr;
    std::string dir;         // egress' own
    std::string policy_dir;  // where notice.toml lies
    std::string policy_versions_dir;
    const EgressKeys* keys = nullptr;
    GatherParts gather;
    std::function<Result<uint64_t>(const AuditEntry&)> record;
    // What the vault tells of subjects, `$email` alone.
    std::function<Result<RevealedAddresses>(const IncidentVersion&, std::span<const SubjectId>)>
        reveal;
    std::function<void(const std::string&)> log;
  };
  // All outlive it.
  static Result<std::unique_ptr<NoticeOffice>> Open(Parts parts);

  // What waits begins to be sent.
  void Start() { sender_->Start(); }
  Result<std::string> AnswerCommand(std::string_view body) { return desk_->Answer(body); }
  // From intake: a question about a notice, and the public keys.
  Result<std::string> AnswerQuestion(std::string_view body);
  [[nodiscard]] std::string PublicKeys() const { return check_->Keys(); }
  Result<void> Forget(std::span<const SubjectId> subjects) { return desk_->Forget(subjects); }
  // Whether something keeps those who wait from being mailed.
  [[nodiscard]] bool has_trouble() const { return !sender_->trouble().empty(); }

 private:
  NoticeOffice() = default;
  std::unique_ptr<NoticeRounds> rounds_;
  std::unique_ptr<NoticeCredential> credential_;
  std::unique_ptr<NoticeCheck> check_;
  std::unique_ptr<NoticeSender> sender_;
  std::unique_ptr<NoticeDesk> desk_;
};

}  // namespace bulkhead
