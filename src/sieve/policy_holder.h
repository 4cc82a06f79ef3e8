// The policy in force, for whoever cleans events: read from DIR/policy/policy.toml, read again when
// the file changes, and swapped as a whole. A file with mistakes is refused and the policy before
// it stays. A change takes effect only once `record` has written it down.
//
// Where the file goes missing nothing changes: to go back to the defaults, write a file that says
// only `schema = 1`.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/file_system.h"
#include "base/result.h"
#include "sieve/compiled_policy.h"

namespace bulkhead {

class PolicyTrial;
class Sieve;

// A policy file that was read and found right.
struct LoadedPolicy {
  Policy policy;
  std::string canonical_text;
  std::string hash;
};
// kInvalid as ParsePolicy has it; also where the canonical text is larger than a file may be.
Result<LoadedPolicy> LoadPolicy(std::string_view toml, std::string_view file);
// The same from a file, which is not read beyond the limit.
Result<LoadedPolicy> LoadPolicyFile(FileSystem& fs, const std::string& path,
                                    std::string_view shown_name);

// One change that was asked for, as the audit log keeps it. Plain data.
struct PolicyChange {
  std::string who;
  uint32_t old_version = 0;
  std::string old_hash;        // empty: the defaults
  std::string new_hash;        // empty where refused
  std::string canonical_text;  // empty where refused
  std::string refusal;         // why, one line for each mistake; empty where accepted
};

// Durable when it returns. For an accepted change: the number of the version that is now in force
// (PolicyVersions::Accept); an error means that the change does not happen. For a refused one the
// answer does not matter.
using RecordPolicyChange = std::function<Result<uint32_t>(const PolicyChange&)>;

struct PolicyHolderOptions {
  FileSystem* fs = nullptr;
  std::string dir;  // DIR/policy, which is only read; policy.toml need not be there
  RecordPolicyChange record;
  std::string who = "policy file";  // for changes that were seen in the file
  const Sieve* sieve = nullptr;     // for trials of candidate.toml; null: none
  uint32_t trial_every = 16;        // one of so many events is compared
};

struct PolicyStatus {
  uint32_t version = 0;
  std::string hash;
  // Why the file is not what is in force; empty where it is.
  std::string trouble;
  std::string candidate_trouble;
  uint64_t accepted = 0;
  uint64_t refused = 0;
};

// Thread-safe.
class PolicyHolder {
 public:
  // Reads the version that was last in force, then the file. A file with mistakes is refused here
  // too; where no version was in force before there is nothing to fall back to, and opening fails.
  static Result<std::unique_ptr<PolicyHolder>> Open(PolicyHolderOptions options);
  ~PolicyHolder();
  PolicyHolder(const PolicyHolder&) = delete;
  PolicyHolder& operator=(const PolicyHolder&) = delete;

  // The policy in force. Takes no lock unless it has changed since this thread asked last.
  [[nodiscard]] std::shared_ptr<const CompiledPolicy> Current() const;
  // The dry run of candidate.toml over live events; null where there is none.
  [[nodiscard]] std::shared_ptr<PolicyTrial> Trial() const;

  // Looks at the files now. An error: the file is refused, or the change could not be recorded.
  Result<void> Reload(const std::string& who);
  // Looks at them every `interval_ms` on a thread of its own. At most once.
  void StartWatching(int64_t interval_ms);

  [[nodiscard]] PolicyStatus status() const;

 private:
  explicit PolicyHolder(PolicyHolderOptions options);
  Result<void> LoadLastInForce();
  Result<void> TakePolicy(const std::string& who);
  Result<void> Refuse(const std::string& who, Error error);
  Result<void> Accept(const std::string& who, LoadedPolicy loaded);
  void TakeCandidate();
  void Publish(std::shared_ptr<const CompiledPolicy> policy, std::shared_ptr<PolicyTrial> trial);
  void Watch(int64_t interval_ms);

  struct Snapshot {
    std::shared_ptr<const CompiledPolicy> policy;
    std::shared_ptr<PolicyTrial> trial;
  };
  const Snapshot& Seen() const;

  PolicyHolderOptions options_;
  const uint64_t id_;
  std::mutex reload_mutex_;  // one look at the files at a time
  std::string file_bytes_;   // what was accepted or refused last
  bool file_seen_ = false;
  Result<void> file_outcome_;
  std::string candidate_bytes_;
  bool candidate_seen_ = false;

  mutable std::mutex mutex_;  // of all below
  Snapshot snapshot_;
  std::atomic<uint64_t> generation_{1};
  PolicyStatus status_;

  std::mutex watch_mutex_;
  std::condition_variable watch_stop_;
  bool stop_ = false;
  std::thread watcher_;
};

}  // namespace bulkhead
