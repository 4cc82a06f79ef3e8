// Requests of persons for erasure and for access, as Mixpanel's GDPR API takes them: kept as tasks
// that survive a restart, done in the background, forgotten after 90 days. A task names pseudonyms
// only; each lies encrypted in a file of its own (docs/formats/person_requests.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "model/ids.h"

namespace bulkhead {

inline constexpr size_t kMaxPersonRequestSubjects = 2000;
inline constexpr size_t kMaxPersonRequests = 10'000;  // kept at a time
inline constexpr int64_t kPersonRequestKeepMs = 90LL * 24 * 3600 * 1000;
inline constexpr int64_t kPersonDataOpenMs = 7LL * 24 * 3600 * 1000;  // of a retrieval's result

enum class PersonRequestKind : uint8_t { kDeletion = 1, kRetrieval };
enum class ComplianceType : uint8_t { kGdpr = 1, kCcpa };
enum class DisclosureType : uint8_t { kData = 1, kCategories, kSources };
enum class PersonRequestStatus : uint8_t {
  kPending = 1,  // may be revoked
  kStaging,      // its time has come and others are before it; may be revoked
  kStarted,
  kSuccess,
  kFailure,
  kRevoked
};

struct NewPersonRequest {
  PersonRequestKind kind = PersonRequestKind::kDeletion;
  ProjectId project;
  std::string requester;  // the account; the result is given to it alone
  std::vector<SubjectId> subjects;
  ComplianceType compliance = ComplianceType::kGdpr;
  DisclosureType disclosure = DisclosureType::kData;  // of a retrieval
};

struct PersonRequest {
  std::string id;  // 32 hexadecimal digits
  NewPersonRequest asked;
  PersonRequestStatus status = PersonRequestStatus::kPending;
  int64_t asked_ms = 0;
  int64_t finished_ms = 0;  // 0: not yet
  std::string receipt;      // of a deletion that succeeded
  std::string failure;      // why not; without data of a person
};

// Takes persons out of everything: vault, store and log, with their linked devices, in all of it
// recorded first. A seam: main/ joins the compartments.
class PersonEraser {
 public:
  virtual ~PersonEraser() = default;
  // The signed receipt. Doing it again is harmless. kUnavailable and kLimit: to be tried again.
  virtual Result<std::string> Erase(const PersonRequest& request) = 0;
};

struct PersonRequestsOptions {
  FileSystem* fs = &RealFileSystem();
  std::string dir;                 // DIR/person_requests, made if absent
  const KeyRing* keys = nullptr;   // read while opening only
  PersonEraser* eraser = nullptr;  // null: deletions wait
  const Clock* clock = &SystemClock();
  int64_t revoke_ms = 3000;  // a request is begun this long after it was made
  bool run = true;           // false: only RunDue() does anything
};

// Thread-safe.
class PersonRequests {
 public:
  // Reads all tasks and goes on with what was begun. kCorruption names the file that does not open.
  static Result<std::unique_ptr<PersonRequests>> Open(const PersonRequestsOptions& options);
  ~PersonRequests();
  PersonRequests(const PersonRequests&) = delete;
  PersonRequests& operator=(const PersonRequests&) = delete;

  // Durable when it returns. kInvalid: no subject, or too many; kLimit: too many tasks are kept.
  Result<PersonRequest> Add(NewPersonRequest request);
  // nullopt: none of that kind and id in that project.
  [[nodiscard]] std::optional<PersonRequest> Find(ProjectId project, PersonRequestKind kind,
                                                  std::string_view id) const;
  // Durable when it returns. kNotFound; kDenied: it has begun.
  Result<void> Revoke(ProjectId project, PersonRequestKind kind, std::string_view id);

  // Begins and finishes what is due now; gives how many were finished. Called by the thread that
  // `run` starts.
  size_t RunDue();

 private:
  class Impl;
  explicit PersonRequests(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
