// Erased persons: out of what waits, and asked back from the vendor.
#include <algorithm>
#include <set>
#include <utility>

#include "egress/vendor_sender.h"

namespace bulkhead {

Result<void> VendorSender::Forget(const std::vector<SubjectId>& subjects) {
  const std::set<SubjectId> gone(subjects.begin(), subjects.end());
  const std::lock_guard sending(sending_);
  under_way_.reset();  // what is left of it is taken from the queue again
  held_.reset();
  Result<void> done;
  {
    const std::lock_guard feeding(feeding_);
    done = queue_->Rewrite([&](std::string payload) -> Result<std::optional<std::string>> {
      Result<QueuedBatch> queued = DecodeQueuedBatch(payload);
      if (!queued) {
        return queued.error();
      }
      if (!RemoveSubjects(gone, &queued->batch)) {
        return std::optional<std::string>(std::move(payload));
      }
      const Batch& left = queued->batch;
      return left.events.empty() && left.profile_updates.empty()
                 ? std::optional<std::string>()
                 : std::optional<std::string>(EncodeQueuedBatch(queued->log_position, left));
    });
  }
  if (done) {
    done = dead_->Rewrite([&](std::string payload) -> Result<std::optional<std::string>> {
      Result<DeadLetter> letter = DecodeDeadLetter(payload);
      if (!letter) {
        return letter.error();
      }
      return RemoveSubjects(gone, &letter->message.batch)
                 ? std::optional<std::string>()
                 : std::optional<std::string>(std::move(payload));
    });
  }
  for (const auto& [number, ids] : KnownEpochs()) {
    std::vector<SubjectId> theirs;
    for (const SubjectId& subject : subjects) {
      theirs.push_back(ids.Of(subject));
    }
    if (done && !theirs.empty()) {
      done = deletions_->Put(EncodeDeletions(theirs));
    }
  }
  return done;
}

Result<std::vector<SubjectId>> VendorSender::ReadByHand(uint64_t behind, uint64_t most) {
  const std::lock_guard lock(sending_);
  std::vector<SubjectId> some;
  by_hand_->Rewind();
  for (uint64_t seen = 0; some.size() < most;) {
    const Result<std::optional<QueuedPayload>> taken = by_hand_->Take();
    if (!taken) {
      return taken.error();
    }
    if (!*taken) {
      break;
    }
    const Result<std::vector<SubjectId>> ids = DecodeDeletions((*taken)->payload);
    if (!ids) {
      return ids.error();
    }
    for (size_t i = 0; i < ids->size() && some.size() < most; ++i) {
      if (seen++ >= behind) some.push_back((*ids)[i]);
    }
  }
  by_hand_->Rewind();
  return some;
}

Result<void> VendorSender::ClearByHand() {
  const std::lock_guard lock(sending_);
  return by_hand_->Rewrite([](std::string) { return std::optional<std::string>(); });
}

Result<bool> VendorSender::SendDeletions(VendorQueue* queue, const Moment& moment) {
  Result<std::optional<QueuedPayload>> taken = queue->Take();
  if (!taken || !*taken) {
    return taken ? Result<bool>(false) : taken.error();
  }
  queue->Rewind();  // until it is done
  const Result<std::vector<SubjectId>> ids = DecodeDeletions((*taken)->payload);
  if (!ids) {
    return ids.error();
  }
  const Result<DeletionFate> fate = AskToDelete(*ids, moment);
  if (!fate || *fate == DeletionFate::kLater) {
    return fate ? Result<bool>(false) : fate.error();
  }
  if (Result<void> done = queue->Done((*taken)->next_position); !done) {
    return done.error();
  }
  const std::lock_guard lock(mutex_);
  counts_.trouble.clear();
  counts_.deleted += *fate == DeletionFate::kAsked ? ids->size() : 0;
  if (queue == leaving_.get()) {
    counts_.leaving_asked += *fate == DeletionFate::kAsked ? ids->size() : 0;
    counts_.leaving_left -= std::min<uint64_t>(counts_.leaving_left, ids->size());
  }
  return true;
}

Result<VendorSender::DeletionFate> VendorSender::AskToDelete(const std::vector<SubjectId>& ids,
                                                             const Moment& moment) {
  const std::vector<VendorRequest> requests = moment.destination == nullptr
                                                  ? std::vector<VendorRequest>()
                                                  : moment.destination->EncodeDeletion(ids);
  bool by_hand = requests.empty();
  for (const VendorRequest& request : requests) {
    if (!StillHolds(moment)) {
      return DeletionFate::kLater;
    }
    const Result<OutboundReply> reply = PostTo(request, moment);
    if (!reply) {
      return reply.error();
    }
    const SendOutcome outcome = moment.destination->Judge(request, *reply);
    if (outcome.verdict == SendVerdict::kRetry) {
      Fail(Error{ErrorCode::kUnavailable, "asked to delete: " + outcome.reason},
           outcome.retry_after);
      return DeletionFate::kLater;
    }
    by_hand = by_hand || outcome.verdict != SendVerdict::kTaken;
  }
  failures_ = 0;
  if (by_hand) {
    const Result<void> put = by_hand_->Put(EncodeDeletions(ids));
    return put ? Result<DeletionFate>(DeletionFate::kByHand) : put.error();
  }
  return DeletionFate::kAsked;
}

}  // namespace bulkhead
