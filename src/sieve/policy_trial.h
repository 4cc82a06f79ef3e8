// A dry run: what another policy would do with the same events, counted and never done.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "sieve/compiled_policy.h"
#include "sieve/sieve.h"

namespace bulkhead {

struct TrialDifference {
  ProjectId project;
  std::string path;  // the cleaned property path; "event" where all of it is concerned
  Action before = Action::kKeep;
  Action after = Action::kKeep;
  uint64_t events = 0;
};

struct TrialCounts {
  uint64_t seen = 0;     // events and profile updates that were compared
  uint64_t changed = 0;  // of these, how many differ in anything
};

struct TrialResult {
  uint64_t seen = 0;  // as TrialCounts, over all projects
  uint64_t changed = 0;
  std::map<ProjectId, TrialCounts> projects;
  std::vector<TrialDifference> differences;  // most frequent first
  bool truncated = false;                    // there were more kinds of difference than are counted
};

// Thread-safe.
class PolicyTrial {
 public:
  // Bounded, because paths come from outside.
  static constexpr size_t kMaxDifferences = 2048;

  // One of `sample_every` events is wanted. The sieve outlives this.
  PolicyTrial(const Sieve* sieve, std::shared_ptr<const CompiledPolicy> candidate,
              uint32_t sample_every)
      : sieve_(sieve), candidate_(std::move(candidate)), sample_every_(sample_every) {}

  // Whether to copy this event for Compare; cheap.
  [[nodiscard]] bool Wants() {
    return offered_.fetch_add(1, std::memory_order_relaxed) % sample_every_ == 0;
  }

  struct Sample {
    ProjectId project;
    std::string_view event;  // clean; empty for profiles
    bool profile = false;
    ValueObject properties;  // before the sieve
  };
  // `before`: what the policy in force found in the same properties.
  void Compare(Sample sample, std::span<const Finding> before);

  [[nodiscard]] const CompiledPolicy& candidate() const { return *candidate_; }
  [[nodiscard]] uint32_t sample_every() const { return sample_every_; }
  [[nodiscard]] TrialResult result() const;

 private:
  using Key = std::tuple<ProjectId, std::string, Action, Action>;

  const Sieve* sieve_;
  std::shared_ptr<const CompiledPolicy> candidate_;
  uint32_t sample_every_;
  std::atomic<uint64_t> offered_{0};
  mutable std::mutex mutex_;
  std::map<Key, uint64_t> differences_;
  std::map<ProjectId, TrialCounts> counts_;
  bool truncated_ = false;
};

// {"project","path","before","after","events"}
std::string DifferenceJson(const TrialDifference& difference);
// {"seen","changed","truncated","differences":[{"project","path","before","after","events"}]}
std::string TrialJson(const TrialResult& result);

}  // namespace bulkhead
