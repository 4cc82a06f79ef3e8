#include "main/witness_feed.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "audit/signed_note.h"

namespace bulkhead {
namespace {

// The size in a checkpoint that the audit compartment made.
uint64_t SizeOf(const std::string& signed_checkpoint) {
  const std::optional<SignedNote> note = ParseNote(signed_checkpoint);
  const std::optional<Checkpoint> checkpoint = note ? Checkpoint::Parse(note->text) : std::nullopt;
  return checkpoint ? checkpoint->size : 0;
}

}  // namespace

WitnessFeed::WitnessFeed(std::vector<WitnessAddress> witnesses, Parts parts)
    : parts_(std::move(parts)) {
  for (WitnessAddress& witness : witnesses) {
    State& state = states_.emplace_back();
    state.witness = std::move(witness);
  }
}

WitnessFeed::~WitnessFeed() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

Result<void> WitnessFeed::Submit(State* state) {
  // Whether there is anything new costs no proof.
  const Result<AddCheckpoint> newest = parts_.prove(0);
  if (!newest) {
    return newest.error();
  }
  const uint64_t size = SizeOf(newest->signed_checkpoint);
  if (size == 0 || size == state->cosigned_size) {
    return {};
  }
  const Result<std::string> cosigned =
      SubmitToWitness({.prove = parts_.prove,
                       .post =
                           [&](const std::string& body) {
                             return parts_.post(state->witness.url + "/add-checkpoint", body);
                           }},
                      &state->known_size);
  if (!cosigned) {
    return cosigned.error();
  }
  if (Result<void> kept = parts_.keep(*cosigned); !kept) {
    return kept;
  }
  state->cosigned_size = state->known_size = SizeOf(*cosigned);
  state->cosigned_ms = parts_.clock->NowMs();
  return {};
}

// The same trouble is told once.
void WitnessFeed::NoteFailure(State* state, const std::string& why) {
  state->pause_ms = std::clamp(2 * state->pause_ms, kFirstPauseMs, kLongestPauseMs);
  state->not_before_ms = parts_.clock->NowMs() + state->pause_ms;
  if (why != state->trouble && parts_.log) {
    parts_.log("the audit log's checkpoint is not cosigned by " + state->witness.url + ": " + why);
  }
  state->trouble = why;
}

void WitnessFeed::SubmitDue() {
  const std::lock_guard one_at_a_time(submitting_);
  uint64_t failures = 0;
  for (State& state : states_) {
    if (parts_.clock->NowMs() < state.not_before_ms) {
      continue;
    }
    if (const Result<void> submitted = Submit(&state); !submitted) {
      NoteFailure(&state, submitted.error().message);
      ++failures;
    } else {
      state.pause_ms = 0;
      state.trouble.clear();
    }
  }
  if (states_.empty()) {
    return;
  }
  const State& least = *std::ranges::min_element(states_, {}, &State::cosigned_size);
  const std::lock_guard lock(mutex_);
  stats_ = {least.cosigned_size, least.cosigned_ms, stats_.failures + failures};
}

void WitnessFeed::Start(std::chrono::milliseconds every) {
  if (!states_.empty()) {
    thread_ = std::thread([this, every] { Run(every); });
  }
}

void WitnessFeed::Run(std::chrono::milliseconds every) {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    SubmitDue();
    lock.lock();
    wake_.wait_for(lock, every, [this] { return stop_; });
  }
}

WitnessStats WitnessFeed::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace bulkhead
