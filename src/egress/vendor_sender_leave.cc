// A vendor that is left: it is asked to delete all that the ledger says it has, and somebody sees
// to the rest by hand.
#include <algorithm>
#include <utility>

#include "egress/vendor_sender.h"

namespace bulkhead {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kIdsOfPayload = 1999;  // fit into one request of each interface that there is
constexpr int64_t kLongestFarewellMs = 86'400'000;
constexpr int32_t kLastDay = INT32_MAX;
// Canaries are at most one in a hundred subjects of an epoch; of those some may be erased by now.
constexpr uint64_t kSubjectsPerCanary = 50;

}  // namespace

// Puts ids into a queue, some at a time.
class VendorSender::IdList {
 public:
  explicit IdList(VendorQueue* queue) : queue_(queue) {}
  Result<void> Add(const SubjectId& id) {
    ids_.push_back(id);
    return ids_.size() < kIdsOfPayload ? Result<void>() : Finish();
  }
  Result<void> Finish() {
    if (ids_.empty()) {
      return {};
    }
    count_ += ids_.size();
    Result<void> put = queue_->Put(EncodeDeletions(ids_));
    ids_.clear();
    return put;
  }
  [[nodiscard]] uint64_t count() const { return count_ + ids_.size(); }

 private:
  VendorQueue* queue_;
  std::vector<SubjectId> ids_;
  uint64_t count_ = 0;
};

Result<ReviveCodes> VendorSender::Kill(const std::string& actor, LeftData data) {
  ReviveCodes codes;
  const std::shared_ptr<const Destination> last = [this] {
    const std::lock_guard lock(mutex_);
    return destination_;
  }();
  const Result<void> killed = Change([&]() -> Result<void> {
    Result<ReviveCodes> made =
        state_.Kill(actor, parts_.clock->NowMs(), queue_->end_position(), data);
    if (!made) {
      return made.error();
    }
    codes = *std::move(made);
    may_leave_ = false;
    farewell_ = data == LeftData::kDelete ? last : nullptr;
    farewell_until_ms_ = parts_.clock->NowMs() + kLongestFarewellMs;
    counts_.leaving_asked = counts_.leaving_left = 0;
    return {};
  });
  return killed ? Result<ReviveCodes>(std::move(codes)) : killed.error();
}

void VendorSender::BeginLeaving(bool ask) {
  {
    const std::lock_guard lock(mutex_);
    may_leave_ = true;
    if (!ask) {
      farewell_.reset();
    }
  }
  wake_.notify_all();
}

Result<void> VendorSender::Revive(const ReviveCodes& codes) {
  return Change([&]() -> Result<void> {
    Result<void> revived = state_.Revive(codes);
    if (revived) {
      farewell_.reset();
      may_leave_ = false;
    }
    return revived;
  });
}

bool VendorSender::IsKilled() const {
  const std::lock_guard lock(mutex_);
  return state_.standing() == VendorStanding::kKilled;
}

bool VendorSender::HasToList() const {
  const std::lock_guard lock(mutex_);
  return state_.standing() == VendorStanding::kKilled && state_.has_ids_to_list();
}

Result<bool> VendorSender::ListForDeletion(std::optional<std::chrono::milliseconds> most) {
  const std::unique_lock listing(listing_, std::try_to_lock);
  if (!listing || !HasToList()) {
    return listing.owns_lock();
  }
  const auto until = most ? SteadyClock::now() + *most : SteadyClock::time_point::max();
  // What a listing that was cut off left behind.
  Result<void> done =
      leaving_->Rewrite([](const std::string&) { return std::optional<std::string>(); });
  IdList list(leaving_.get());
  bool in_time = true;
  for (const auto& [number, ids] : KnownEpochs()) {
    if (done && in_time) {
      done = ListEpoch(number, ids, &list, [&] {
        in_time = SteadyClock::now() < until;
        return in_time;
      });
    }
  }
  if (done && in_time) {
    done = list.Finish();
  }
  if (!done || !in_time) {
    return done ? Result<bool>(false) : done.error();
  }
  const std::lock_guard lock(mutex_);
  counts_.leaving_left = list.count();
  done = state_.IdsAreListed();
  return done ? Result<bool>(true) : done.error();
}

Result<void> VendorSender::ListEpoch(uint32_t number, const EpochIds& ids, IdList* list,
                                     const std::function<bool()>& go_on) const {
  Result<void> put;
  uint64_t subjects = 0;
  bool goes_on = true;
  const Result<void> read = parts_.ledger->ForEachSubject(
      {parts_.name, number, 0, kLastDay}, [&](const SubjectId& subject, const SentFields&) {
        put = list->Add(ids.Of(subject));
        goes_on = ++subjects % kIdsOfPayload != 0 || go_on();
        return put && goes_on;
      });
  if (!read) {
    return read;
  }
  for (uint64_t i = 0; HasCanaries() && put && goes_on && i < subjects / kSubjectsPerCanary; ++i) {
    put = list->Add(ids.canaries().VendorId(static_cast<uint32_t>(i)));
  }
  return put;
}

bool VendorSender::HasCanaries() const {
  const std::lock_guard lock(mutex_);
  return policy_.canaries != 0;
}

// What the sending thread does for a vendor that is killed. Ids of erased persons, too, wait for
// nothing any more.
bool VendorSender::LeaveDue() {
  Moment moment;
  {
    const std::lock_guard lock(mutex_);
    if (!may_leave_) {
      return false;
    }
    if (parts_.clock->NowMs() >= farewell_until_ms_) {
      farewell_.reset();
    }
    moment = Moment{policy_, farewell_, generation_};
  }
  if (left_by_ != moment.generation) {
    left_by_ = moment.generation;
    failures_ = 0;  // how often messages failed is no reason to wait
    not_before_ms_ = 0;
  }
  if (moment.destination != nullptr && parts_.clock->NowMs() < not_before_ms_) {
    return false;
  }
  Result<bool> done = false;
  if (HasToList()) {
    done = ListForDeletion(std::nullopt);
  } else if (!deletions_->empty()) {
    done = SendDeletions(deletions_.get(), moment);
  } else if (!leaving_->empty()) {
    done = SendDeletions(leaving_.get(), moment);
  } else {
    const std::lock_guard lock(mutex_);
    farewell_.reset();  // all is asked
  }
  if (!done) {
    Fail(done.error(), std::nullopt);
  }
  return done && *done;
}

// Of a kill that was undone before all was asked.
Result<void> VendorSender::DropLeaving() {
  const std::lock_guard listing(listing_);
  if (leaving_->empty() || IsKilled()) {
    return {};
  }
  return leaving_->Rewrite([](const std::string&) { return std::optional<std::string>(); });
}

}  // namespace bulkhead
