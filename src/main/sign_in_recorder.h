// Sign-ins of service accounts and refused ones, as the audit log keeps them: an account's first
// use in an hour, and refusals counted by minute, so that a flood of guesses does not become a
// flood of entries. What was typed as a name is only kept where it has the form of one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "intake/intake.h"
#include "main/audit_messages.h"

namespace bulkhead {

// Thread-safe.
class SignInRecorder {
 public:
  // Different names among the refused, a minute; all others count as "unknown".
  static constexpr size_t kMaxDeniedNames = 16;
  static constexpr size_t kMaxSignedIn = 1000;

  struct Parts {
    // Durable when it returns.
    std::function<Result<uint64_t>(const AuditEntry&)> append;
    const Clock* clock = nullptr;
    std::string door;  // where: "queries", "import"
    // A first use is on record before it is answered; else soon after: what only writes does not
    // stand still for the audit log.
    bool before_answer = true;
  };
  explicit SignInRecorder(Parts parts) : parts_(std::move(parts)) {}
  ~SignInRecorder();  // writes what has gathered
  SignInRecorder(const SignInRecorder&) = delete;
  SignInRecorder& operator=(const SignInRecorder&) = delete;

  // An error: it could not be recorded, and is not to be answered.
  Result<void> NoteSignIn(std::string_view account, ProjectId project);
  void NoteDenial(std::string_view account, std::optional<ProjectId> project);

  // Writes what has gathered: now, or every second on a thread of its own.
  void Flush() { Write(false); }
  void StartFlushing();

 private:
  using Key = std::pair<std::string, uint32_t>;  // account, project
  struct Denials {
    uint64_t count = 0;  // not written yet
    int64_t written_minute = -1;
  };
  [[nodiscard]] AuditEntry EntryOf(const Key& key, std::string outcome, uint64_t count) const;
  std::vector<std::pair<Key, uint64_t>> TakeDueDenials(bool all);
  void Write(bool all);
  void Run();

  Parts parts_;
  std::mutex mutex_;
  int64_t hour_ = 0;
  std::set<Key> signed_in_;    // in that hour
  std::vector<Key> to_write_;  // sign-ins
  std::map<Key, Denials> denials_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

// A lookup whose answers stand in the audit log.
class RecordedLookup final : public ProjectLookup {
 public:
  RecordedLookup(const ProjectLookup* lookup, SignInRecorder* recorder)
      : lookup_(lookup), recorder_(recorder) {}
  [[nodiscard]] std::optional<ProjectId> FindByToken(std::string_view token) const override {
    return lookup_->FindByToken(token);
  }
  // kUnavailable: it could not be recorded.
  [[nodiscard]] Result<ProjectId> FindByServiceAccount(
      std::string_view username, std::string_view secret,
      std::optional<ProjectId> project) const override;

 private:
  const ProjectLookup* lookup_;
  SignInRecorder* recorder_;
};

}  // namespace bulkhead
