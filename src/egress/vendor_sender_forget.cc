// Erased persons: out of what waits, and asked back from the vendor.
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

Result<std::vector<SubjectId>> VendorSender::ReadByHand() {
  const std::lock_guard lock(sending_);
  std::vector<SubjectId> all;
  by_hand_->Rewind();
  for (;;) {
    const Result<std::optional<QueuedPayload>> taken = by_hand_->Take();
    if (!taken) {
      return taken.error();
    }
    if (!*taken) {
      by_hand_->Rewind();
      return all;
    }
    const Result<std::vector<SubjectId>> ids = DecodeDeletions((*taken)->payload);
    if (!ids) {
      return ids.error();
    }
    all.insert(all.end(), ids->begin(), ids->end());
  }
}

Result<void> VendorSender::ClearByHand() {
  const std::lock_guard lock(sending_);
  return by_hand_->Rewrite([](std::string) { return std::optional<std::string>(); });
}

Result<bool> VendorSender::SendDeletions(const Moment& moment) {
  Result<std::optional<QueuedPayload>> taken = deletions_->Take();
  if (!taken || !*taken) {
    return taken ? Result<bool>(false) : taken.error();
  }
  deletions_->Rewind();  // until it is done
  const Result<std::vector<SubjectId>> ids = DecodeDeletions((*taken)->payload);
  if (!ids) {
    return ids.error();
  }
  const Result<bool> asked = AskToDelete(*ids, moment);
  if (!asked || !*asked) {
    return asked;
  }
  const Result<void> done = deletions_->Done((*taken)->next_position);
  return done ? Result<bool>(true) : done.error();
}

// False: to be tried again.
Result<bool> VendorSender::AskToDelete(const std::vector<SubjectId>& ids, const Moment& moment) {
  const std::vector<VendorRequest> requests = moment.destination == nullptr
                                                  ? std::vector<VendorRequest>()
                                                  : moment.destination->EncodeDeletion(ids);
  bool by_hand = requests.empty();
  for (const VendorRequest& request : requests) {
    if (!StillHolds(moment)) {
      return false;
    }
    const Result<OutboundReply> reply = PostTo(request, moment);
    if (!reply) {
      return reply.error();
    }
    const SendOutcome outcome = moment.destination->Judge(request, *reply);
    if (outcome.verdict == SendVerdict::kRetry) {
      Fail(Error{ErrorCode::kUnavailable, "asked to delete: " + outcome.reason},
           outcome.retry_after);
      return false;
    }
    by_hand = by_hand || outcome.verdict != SendVerdict::kTaken;
  }
  if (by_hand) {
    const Result<void> put = by_hand_->Put(EncodeDeletions(ids));
    return put ? Result<bool>(true) : put.error();
  }
  const std::lock_guard lock(mutex_);
  counts_.deleted += ids.size();
  return true;
}

}  // namespace bulkhead
