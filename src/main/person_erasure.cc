#include "main/person_erasure.h"

#include <algorithm>
#include <chrono>
#include <span>

namespace bulkhead {
namespace {

constexpr std::chrono::minutes kVaultPatience{4};

using Owned = std::pair<SubjectId, SubjectId>;  // a subject, and the person asked for whose it is

// As many as one call to the vault takes.
std::vector<SubjectId> Part(const std::vector<Owned>& all, size_t begin) {
  std::vector<SubjectId> part;
  const size_t end = std::min(all.size(), begin + kMaxCallSubjects);
  for (size_t i = begin; i < end; ++i) {
    part.push_back(all[i].first);
  }
  return part;
}

Error NoProject() { return {ErrorCode::kNotFound, "no such project"}; }

}  // namespace

std::vector<Owned> PersonErasure::WithDevices(const Store& store,
                                              const std::vector<SubjectId>& persons) {
  std::vector<Owned> all;
  for (const SubjectId& person : persons) {
    all.emplace_back(person, person);
    for (const SubjectId& device : store.snapshot().LinkedDevices(person)) {
      all.emplace_back(device, person);
    }
  }
  return all;
}

Result<ErasedPersons> PersonErasure::EraseAll(const EraseCall& call) {
  const std::lock_guard lock(one_at_a_time_);
  if (!parts_.wait_until_followed()) {
    return Error{ErrorCode::kUnavailable, "store and vault are behind the log; nothing was erased"};
  }
  Store* store = parts_.projects->store(call.asker.project);
  if (store == nullptr) {
    return NoProject();
  }
  const std::vector<Owned> all = WithDevices(*store, call.subjects);
  ErasedPersons erased;
  erased.devices = all.size() - call.subjects.size();
  for (size_t begin = 0; begin < all.size(); begin += kMaxCallSubjects) {
    EraseCall part{call.asker, Part(all, begin)};
    Result<EraseAnswer> answer = parts_.vault->Ask<EraseAnswer>(part, kVaultPatience);
    if (!answer) {
      return answer.error();
    }
    erased.entries.push_back(answer->entry);
    for (const ErasedSubject& one : answer->subjects) {
      erased.values += one.values;
    }
  }
  if (Result<bool> gone = EraseLogged(call.asker.project, call.subjects); !gone) {
    return gone.error();
  }
  if (Result<void> forgotten = parts_.forget_log(); !forgotten) {
    return forgotten.error();
  }
  return erased;
}

Result<void> PersonErasure::EraseAgain() {
  const std::lock_guard lock(one_at_a_time_);
  bool any = false;
  for (const ProjectId project : parts_.projects->List()) {
    Result<bool> gone = EraseLogged(project, {});
    if (!gone) {
      return gone.error();
    }
    any = any || *gone;
  }
  return any ? parts_.forget_log() : Result<void>();
}

Result<bool> PersonErasure::EraseLogged(ProjectId project, const std::vector<SubjectId>& more) {
  const Result<std::vector<LoggedErasure>> logged = parts_.audit->Erased();
  if (!logged) {
    return logged.error();
  }
  Store* store = parts_.projects->store(project);
  std::vector<SubjectId> subjects = more;
  for (size_t i = store->erasures_applied(); i < logged->size(); ++i) {
    if ((*logged)[i].project == project) {
      subjects.push_back((*logged)[i].tombstone.subject);
    }
  }
  if (subjects.empty()) {
    return false;
  }
  Result<void> gone = store->EraseSubjects(subjects, logged->size());
  return gone ? Result<bool>(true) : gone.error();
}

Result<std::string> PersonErasure::Erase(const PersonRequest& request) {
  EraseCall call;
  call.asker = {request.asked.project, request.asked.requester, "erasure request", request.id};
  call.subjects = request.asked.subjects;
  Result<ErasedPersons> erased = EraseAll(call);
  if (!erased) {
    return erased.error();
  }
  std::string receipts;
  for (const uint64_t entry : erased->entries) {
    Result<std::string> receipt = parts_.audit->Receipt(entry);
    if (!receipt) {
      return receipt.error();
    }
    receipts += *receipt;
  }
  return receipts;
}

Result<std::vector<KnownIdentity>> PersonErasure::Reveal(const AccessReading& reading) {
  const Store* store = parts_.projects->store(reading.project);
  if (store == nullptr) {
    return NoProject();
  }
  const std::vector<Owned> all = WithDevices(*store, reading.subjects);
  std::vector<KnownIdentity> known;
  for (size_t begin = 0; begin < all.size(); begin += kMaxCallSubjects) {
    RevealCall call;
    call.asker = {reading.project, reading.account, "access request", reading.task_id};
    call.subjects = Part(all, begin);
    call.history = true;
    call.names_only = reading.names_only;
    Result<RevealAnswer> answer = parts_.vault->Ask<RevealAnswer>(call, kVaultPatience);
    if (!answer) {
      return answer.error();
    }
    if (answer->subjects.size() != call.subjects.size()) {
      return Error{ErrorCode::kBug, "the vault answered for other subjects"};
    }
    for (size_t i = 0; i < answer->subjects.size(); ++i) {
      for (RevealedField& field : answer->subjects[i].fields) {
        known.push_back({all[begin + i].second, std::move(field.field), std::move(field.value),
                         field.first_seen_ms, field.last_seen_ms, field.current});
      }
    }
  }
  return known;
}

}  // namespace bulkhead
