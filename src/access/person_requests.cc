#include "access/person_requests.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "access/person_request_file.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr std::chrono::milliseconds kLookEvery{200};
constexpr int64_t kForgetEveryMs = 3600 * 1000;
constexpr int64_t kFirstRetryMs = 2000;
constexpr int64_t kLongestRetryMs = 300'000;
constexpr int kMostTries = 40;  // some three hours

bool IsOpen(PersonRequestStatus status) {
  return status == PersonRequestStatus::kPending || status == PersonRequestStatus::kStarted;
}

}  // namespace

class PersonRequests::Impl {
 public:
  explicit Impl(const PersonRequestsOptions& options) : options_(options) {
    // Keys of their own: whoever may use the ring for something else gets nothing to compare.
    for (const KeyRing::Entry& entry : options.keys->entries()) {
      keys_.Add(entry.id, DeriveKey(entry.key, "bulkhead v1 person requests"));
    }
    options_.keys = nullptr;
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  Result<void> Load() {
    if (Result<void> made = options_.fs->CreateDirs(options_.dir); !made) {
      return made;
    }
    const Result<std::vector<std::string>> names = options_.fs->List(options_.dir);
    if (!names) {
      return names.error();
    }
    for (const std::string& name : *names) {
      if (name.size() != 32) {
        continue;  // what a write that a crash cut off has left
      }
      const Result<std::string> bytes = options_.fs->ReadWhole(PathOf(name));
      if (!bytes) {
        return bytes.error();
      }
      Result<OpenedPersonRequest> opened = OpenPersonRequest(*bytes, name, keys_);
      if (!opened) {
        return Error{opened.error().code, PathOf(name) + ": " + opened.error().message};
      }
      if (!opened->under_newest_key) {
        if (Result<void> written = Write(opened->request); !written) {
          return written;
        }
      }
      tasks_.emplace(name, Task{std::move(opened->request), 0, 0});
    }
    Forget();
    if (options_.run) {
      thread_ = std::thread([this] { Run(); });
    }
    return {};
  }

  Result<PersonRequest> Add(NewPersonRequest asked) {
    if (asked.subjects.empty() || asked.subjects.size() > kMaxPersonRequestSubjects) {
      return Error{ErrorCode::kInvalid, "distinct_ids: 1 to 2000"};
    }
    const std::lock_guard lock(mutex_);
    if (tasks_.size() >= kMaxPersonRequests) {
      return Error{ErrorCode::kLimit, "too many requests are kept; the oldest go after 90 days"};
    }
    PersonRequest request;
    request.id = RandomHex(16);
    request.asked = std::move(asked);
    request.asked_ms = options_.clock->NowMs();
    if (Result<void> written = Write(request); !written) {
      return written.error();
    }
    tasks_.emplace(request.id, Task{request, 0, 0});
    return request;
  }

  std::optional<PersonRequest> Find(ProjectId project, PersonRequestKind kind,
                                    std::string_view id) const {
    const std::lock_guard lock(mutex_);
    const auto found = tasks_.find(id);
    if (found == tasks_.end() || !Matches(found->second, project, kind)) {
      return std::nullopt;
    }
    PersonRequest request = found->second.request;
    if (request.status == PersonRequestStatus::kPending && IsDue(found->second)) {
      request.status = PersonRequestStatus::kStaging;
    }
    return request;
  }

  Result<void> Revoke(ProjectId project, PersonRequestKind kind, std::string_view id) {
    const std::lock_guard lock(mutex_);
    const auto found = tasks_.find(id);
    if (found == tasks_.end() || !Matches(found->second, project, kind)) {
      return Error{ErrorCode::kNotFound, "no such request"};
    }
    PersonRequest changed = found->second.request;
    if (changed.status == PersonRequestStatus::kRevoked) {
      return {};
    }
    if (changed.status != PersonRequestStatus::kPending) {
      return Error{ErrorCode::kDenied, "the request has begun"};
    }
    changed.status = PersonRequestStatus::kRevoked;
    changed.finished_ms = options_.clock->NowMs();
    return Replace(&found->second, std::move(changed));
  }

  size_t RunDue() {
    const std::lock_guard running(run_mutex_);
    size_t finished = 0;
    for (const std::string& id : DueIds()) {
      const std::optional<PersonRequest> begun = Begin(id);
      if (begun) {
        finished += Finish(*begun) ? 1 : 0;
      }
    }
    const std::lock_guard lock(mutex_);
    if (std::abs(options_.clock->NowMs() - forgot_ms_) >= kForgetEveryMs) {
      Forget();
    }
    return finished;
  }

 private:
  struct Task {
    PersonRequest request;
    int tries = 0;
    int64_t not_before_ms = 0;
  };

  [[nodiscard]] std::string PathOf(std::string_view id) const {
    return options_.dir + "/" + std::string(id);
  }
  static bool Matches(const Task& task, ProjectId project, PersonRequestKind kind) {
    return task.request.asked.project == project && task.request.asked.kind == kind;
  }
  [[nodiscard]] bool IsDue(const Task& task) const {
    const int64_t now_ms = options_.clock->NowMs();
    return IsOpen(task.request.status) && now_ms >= task.not_before_ms &&
           (task.request.status == PersonRequestStatus::kStarted ||
            now_ms >= task.request.asked_ms + options_.revoke_ms);
  }
  Result<void> Write(const PersonRequest& request) {
    return options_.fs->WriteFileAtomically(PathOf(request.id), SealPersonRequest(request, keys_));
  }
  // On disk first: what is answered is what a restart finds.
  Result<void> Replace(Task* task, PersonRequest changed) {
    const Result<void> written = Write(changed);
    if (written) {
      task->request = std::move(changed);
    }
    return written;
  }

  void Run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      lock.unlock();
      RunDue();
      lock.lock();
      wake_.wait_for(lock, kLookEvery, [this] { return stop_; });
    }
  }

  // In the order in which they were asked for.
  std::vector<std::string> DueIds() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<int64_t, std::string>> due;
    for (const auto& [id, task] : tasks_) {
      const bool waits =
          task.request.asked.kind == PersonRequestKind::kDeletion && options_.eraser == nullptr;
      if (IsDue(task) && !waits) {
        due.emplace_back(task.request.asked_ms, id);
      }
    }
    std::sort(due.begin(), due.end());
    std::vector<std::string> ids;
    for (auto& [asked_ms, id] : due) {
      ids.push_back(std::move(id));
    }
    return ids;
  }

  // Durably begun, so that nobody can revoke it any more; nullopt: not now.
  std::optional<PersonRequest> Begin(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto found = tasks_.find(id);
    if (stop_ || found == tasks_.end() || !IsOpen(found->second.request.status)) {
      return std::nullopt;
    }
    Task& task = found->second;
    if (task.request.status == PersonRequestStatus::kPending) {
      PersonRequest changed = task.request;
      changed.status = PersonRequestStatus::kStarted;
      if (Result<void> written = Replace(&task, std::move(changed)); !written) {
        return std::nullopt;  // tried again at the next look
      }
    }
    return task.request;
  }

  // A retrieval is done at once: its result is put together when it is fetched.
  bool Finish(PersonRequest request) {
    const bool deletion = request.asked.kind == PersonRequestKind::kDeletion;
    const Result<std::string> receipt =
        deletion ? options_.eraser->Erase(request) : Result<std::string>(std::string());
    const std::lock_guard lock(mutex_);
    Task& task = tasks_.at(request.id);
    if (!receipt && MayTryAgain(receipt.error(), &task)) {
      return false;
    }
    request.finished_ms = options_.clock->NowMs();
    if (receipt) {
      request.status = PersonRequestStatus::kSuccess;
      request.receipt = *receipt;
    } else {
      request.status = PersonRequestStatus::kFailure;
      request.failure = receipt.error().message;
    }
    return Replace(&task, std::move(request)).has_value();  // else it is simply done again
  }

  bool MayTryAgain(const Error& error, Task* task) {
    const bool passing = error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kLimit;
    ++task->tries;
    const int doublings = std::min(task->tries - 1, 10);
    task->not_before_ms =
        options_.clock->NowMs() + std::min(kLongestRetryMs, kFirstRetryMs << doublings);
    return passing && task->tries < kMostTries;
  }

  void Forget() {
    forgot_ms_ = options_.clock->NowMs();
    for (auto at = tasks_.begin(); at != tasks_.end();) {
      const PersonRequest& request = at->second.request;
      const bool old =
          !IsOpen(request.status) && forgot_ms_ >= request.finished_ms + kPersonRequestKeepMs;
      if (old && options_.fs->Remove(PathOf(request.id))) {
        at = tasks_.erase(at);
      } else {
        ++at;
      }
    }
  }

  PersonRequestsOptions options_;
  KeyRing keys_;
  std::mutex run_mutex_;  // one at a time
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, Task, std::less<>> tasks_;
  int64_t forgot_ms_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

Result<std::unique_ptr<PersonRequests>> PersonRequests::Open(const PersonRequestsOptions& options) {
  Check(options.fs != nullptr && options.clock != nullptr && options.keys != nullptr &&
            !options.keys->empty(),
        "person requests have a file system, a clock and a key");
  auto impl = std::make_unique<Impl>(options);
  if (Result<void> loaded = impl->Load(); !loaded) {
    return loaded.error();
  }
  return std::unique_ptr<PersonRequests>(new PersonRequests(std::move(impl)));
}

PersonRequests::PersonRequests(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PersonRequests::~PersonRequests() = default;

Result<PersonRequest> PersonRequests::Add(NewPersonRequest request) {
  return impl_->Add(std::move(request));
}
std::optional<PersonRequest> PersonRequests::Find(ProjectId project, PersonRequestKind kind,
                                                  std::string_view id) const {
  return impl_->Find(project, kind, id);
}
Result<void> PersonRequests::Revoke(ProjectId project, PersonRequestKind kind,
                                    std::string_view id) {
  return impl_->Revoke(project, kind, id);
}
size_t PersonRequests::RunDue() { return impl_->RunDue(); }

}  // namespace bulkhead
