// What operators and the gateway do with a vendor beside sending.
#include <algorithm>
#include <utility>

#include "egress/vendor_sender.h"

namespace bulkhead {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kMaxDeadBytes = 256 * kMiB;
constexpr uint64_t kMaxIdBytes = 4096 * kMiB;

}  // namespace

VendorSender::VendorSender(Parts parts, VendorPolicy policy, VendorState state, CanaryFlock flock)
    : parts_(std::move(parts)),
      policy_(std::move(policy)),
      state_(std::move(state)),
      flock_(std::move(flock)) {}

Result<std::unique_ptr<VendorSender>> VendorSender::Open(Parts parts, const VendorPolicy& policy) {
  Result<VendorState> state =
      VendorState::Open(*parts.fs, parts.dir, parts.name, *parts.keys, parts.clock->NowMs());
  if (!state) {
    return state.error();
  }
  Result<CanaryFlock> flock =
      CanaryFlock::Open({parts.fs, parts.dir + "/canaries", parts.name, parts.keys});
  if (!flock) {
    return flock.error();
  }
  std::unique_ptr<VendorSender> sender(
      new VendorSender(std::move(parts), policy, *std::move(state), *std::move(flock)));
  if (Result<void> opened = sender->OpenQueues(); !opened) {
    return opened.error();
  }
  const std::lock_guard lock(sender->mutex_);
  sender->MakeDestinationLocked();
  return sender;
}

Result<void> VendorSender::OpenQueues() {
  Result<std::unique_ptr<VendorQueue>> queue =
      VendorQueue::Open(*parts_.fs, parts_.dir + "/queue", state_.queue_keys(),
                        {.max_bytes = policy_.queue_mb * kMiB});
  if (!queue) {
    return queue.error();
  }
  queue_ = *std::move(queue);
  Result<std::unique_ptr<VendorQueue>> dead = VendorQueue::Open(
      *parts_.fs, parts_.dir + "/dead", state_.queue_keys(), {.max_bytes = kMaxDeadBytes});
  if (!dead) {
    return dead.error();
  }
  dead_ = *std::move(dead);
  for (const auto& [folder, kept] :
       {std::pair("deletions", &deletions_), std::pair("by_hand", &by_hand_),
        std::pair("leaving", &leaving_)}) {
    Result<std::unique_ptr<VendorQueue>> opened = VendorQueue::Open(
        *parts_.fs, parts_.dir + "/" + folder, state_.queue_keys(), {.max_bytes = kMaxIdBytes});
    if (!opened) {
      return opened.error();
    }
    *kept = *std::move(opened);
  }
  may_leave_ = true;  // of a kill before: without a credential, what is left is left to people
  return {};
}

VendorSender::~VendorSender() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    ++generation_;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void VendorSender::MakeDestinationLocked() {
  destination_.reset();
  denied_ = false;
  counts_.trouble.clear();
  if (policy_.type == VendorType::kFiles || state_.standing() == VendorStanding::kKilled) {
    return;
  }
  std::string credential(state_.credential().view());
  Result<std::unique_ptr<Destination>> made =
      MakeDestination({policy_.type, policy_.url, credential, parts_.clock});
  Wipe(&credential);
  if (made) {
    destination_ = *std::move(made);
  } else {
    counts_.trouble = made.error().message;
  }
}

Result<void> VendorSender::Change(const std::function<Result<void>()>& change) {
  {
    const std::lock_guard lock(mutex_);
    if (Result<void> changed = change(); !changed) {
      return changed;
    }
    ++generation_;
    MakeDestinationLocked();
  }
  wake_.notify_all();
  return {};
}

void VendorSender::Follow(const VendorPolicy& policy) {
  const Result<void> changed = Change([&]() -> Result<void> {
    policy_ = policy;
    return {};
  });
  static_cast<void>(changed);  // a change in memory does not fail
}

Result<void> VendorSender::Feed(uint64_t log_position, const Batch& filtered) {
  const size_t messages = filtered.events.size() + filtered.profile_updates.size();
  if (messages == 0) {
    return {};
  }
  Batch woven = filtered;
  {
    const std::lock_guard lock(mutex_);
    Result<void> done = flock_.Weave(policy_, state_.epochs().back(), log_position, &woven);
    if (!done) {
      return done;
    }
  }
  Result<void> put;
  {
    const std::lock_guard lock(feeding_);
    put = queue_->Put(EncodeQueuedBatch(log_position, woven));
  }
  if (put) {
    wake_.notify_all();
    return put;
  }
  if (put.error().code == ErrorCode::kLimit) {
    const std::lock_guard lock(mutex_);
    counts_.unqueued += messages;
  }
  return put;
}

Result<void> VendorSender::KeepEpochs() {
  const int64_t now = parts_.clock->NowMs();
  bool due = false;
  std::vector<uint32_t> expired;
  {
    const std::lock_guard lock(mutex_);
    const std::vector<VendorEpoch>& epochs = state_.epochs();
    due = now - epochs.back().begun_ms >= int64_t{policy_.epoch_days} * kDayMs;
    for (size_t i = 0; i + 1 < epochs.size(); ++i) {
      const bool old = policy_.keep_epoch_days != 0 &&
                       now - epochs[i].ended_ms >= int64_t{policy_.keep_epoch_days} * kDayMs;
      if (old && !epochs[i].key.empty()) {
        expired.push_back(epochs[i].number);
      }
    }
  }
  Result<void> done = due ? BeginEpoch() : Result<void>();
  for (const uint32_t number : expired) {
    if (done) {
      done = DestroyEpochKey(number);
    }
  }
  return done;
}

Result<void> VendorSender::SetCredential(SecretBytes credential) {
  return Change([&] { return state_.SetCredential(std::move(credential), parts_.clock->NowMs()); });
}

Result<void> VendorSender::BeginEpoch() {
  return Change([&] { return state_.BeginEpoch(parts_.clock->NowMs(), queue_->end_position()); });
}

Result<void> VendorSender::DestroyEpochKey(uint32_t number) {
  return Change([&]() -> Result<void> {
    const std::vector<VendorEpoch>& epochs = state_.epochs();
    for (size_t i = 0; i + 1 < epochs.size(); ++i) {
      if (epochs[i].number == number && queue_->done_position() < epochs[i + 1].from_position) {
        return Error{ErrorCode::kUnavailable, "messages of that epoch still wait to be sent"};
      }
    }
    return state_.DestroyEpochKey(number);
  });
}

Result<uint64_t> VendorSender::ResendDead() {
  const std::lock_guard lock(sending_);
  dead_->Rewind();
  uint64_t count = 0;
  for (;;) {
    const Result<std::optional<QueuedPayload>> taken = dead_->Take();
    if (!taken) {
      return taken.error();
    }
    if (!*taken) {
      return count;
    }
    const Result<DeadLetter> letter = DecodeDeadLetter((*taken)->payload);
    if (!letter) {
      return letter.error();
    }
    // As if it had come now, so that it does not expire at once.
    Batch batch = letter->message.batch;
    batch.arrival_ms = parts_.clock->NowMs();
    Result<void> done = queue_->Put(EncodeQueuedBatch(letter->message.log_position, batch));
    if (done) {
      done = dead_->Done((*taken)->next_position);
    }
    if (!done) {
      dead_->Rewind();
      return done.error();
    }
    ++count;
  }
}

Result<void> VendorSender::ReadDead(uint64_t most,
                                    const std::function<void(const DeadLetter&)>& each) {
  const std::lock_guard lock(sending_);
  dead_->Rewind();
  for (uint64_t i = 0; i < most; ++i) {
    const Result<std::optional<QueuedPayload>> taken = dead_->Take();
    if (!taken) {
      return taken.error();
    }
    if (!*taken) {
      break;
    }
    const Result<DeadLetter> letter = DecodeDeadLetter((*taken)->payload);
    if (!letter) {
      return letter.error();
    }
    each(*letter);
  }
  dead_->Rewind();
  return {};
}

VendorStatus VendorSender::status() const {
  const std::lock_guard lock(mutex_);
  VendorStatus status = counts_;
  status.name = parts_.name;
  status.type = policy_.type;
  status.paused = policy_.paused;
  status.killed = state_.standing() == VendorStanding::kKilled;
  status.killed_by = state_.killed_by();
  status.killed_ms = state_.killed_ms();
  status.has_credential = !state_.credential().empty();
  status.credential_set_ms = state_.credential_set_ms();
  status.waiting = !queue_->empty();
  status.queue_bytes = queue_->bytes();
  status.dead_letters = !dead_->empty();
  status.dead_bytes = dead_->bytes();
  status.deletions = !deletions_->empty();
  status.leaving = status.killed && (state_.has_ids_to_list() || !leaving_->empty());
  status.leaving_counted = status.killed && !state_.has_ids_to_list();
  status.delete_by_hand = !by_hand_->empty();
  status.epoch = state_.epochs().back().number;
  status.canaries = flock_.canaries(status.epoch);
  status.epoch_begun_ms = state_.epochs().back().begun_ms;
  status.epoch_keys = static_cast<uint32_t>(
      std::count_if(state_.epochs().begin(), state_.epochs().end(),
                    [](const VendorEpoch& epoch) { return !epoch.key.empty(); }));
  return status;
}

std::optional<uint32_t> VendorSender::EpochOfCanary(std::string_view local_part,
                                                    std::string_view domain) const {
  {
    const std::lock_guard lock(mutex_);
    if (policy_.canary_domain.empty() || domain != policy_.canary_domain) {
      return std::nullopt;
    }
  }
  for (const auto& [number, ids] : KnownEpochs()) {
    if (ids.canaries().IsCanaryAddress(local_part)) {
      return number;
    }
  }
  return std::nullopt;
}

std::vector<std::pair<uint32_t, EpochIds>> VendorSender::KnownEpochs() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<uint32_t, EpochIds>> known;
  for (const VendorEpoch& epoch : state_.epochs()) {
    if (!epoch.key.empty()) {
      known.emplace_back(epoch.number, EpochIds(epoch));
    }
  }
  return known;
}

}  // namespace bulkhead
