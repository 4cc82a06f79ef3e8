#include "egress/vendor_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "egress/canary_ids.h"

namespace bulkhead {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kFirstPauseMs = 1000;
constexpr int64_t kLongestPauseMs = 300'000;
constexpr std::chrono::seconds kLongestRetryAfter{3600};
constexpr std::chrono::seconds kRequestTimeout{10};
constexpr std::chrono::milliseconds kLookEvery{200};
constexpr size_t kMostMessagesToFile = 2000;
constexpr size_t kMostPayloads = 256;  // of the queue in one batch

}  // namespace

std::optional<VendorSender::Moment> VendorSender::Now() const {
  const std::lock_guard lock(mutex_);
  const bool ready = policy_.type == VendorType::kFiles || destination_ != nullptr;
  if (policy_.paused || state_.standing() != VendorStanding::kActive || denied_ || !ready) {
    return std::nullopt;
  }
  return Moment{policy_, destination_, generation_};
}

bool VendorSender::StillHolds(const Moment& moment) const {
  const std::lock_guard lock(mutex_);
  return moment.generation == generation_;
}

size_t VendorSender::MostMessages(const Moment& moment) const {
  const size_t most =
      moment.destination == nullptr ? kMostMessagesToFile : moment.destination->most_messages();
  return most_at_once_ == 0 ? most : std::min(most, most_at_once_);
}

bool VendorSender::SendDue() {
  const std::lock_guard lock(sending_);
  if (IsKilled()) {
    return LeaveDue();
  }
  if (const Result<void> dropped = DropLeaving(); !dropped) {
    Fail(dropped.error(), std::nullopt);
    return false;
  }
  const std::optional<Moment> moment = Now();
  if (!moment || parts_.clock->NowMs() < not_before_ms_) {
    return false;
  }
  if (!deletions_->empty()) {
    // First: of whom it is to delete nothing more may be on its way behind that.
    const Result<bool> deleted = SendDeletions(deletions_.get(), *moment);
    if (!deleted) {
      Fail(deleted.error(), std::nullopt);
    }
    return deleted && *deleted;
  }
  if (under_way_ && under_way_->made_by != moment->generation) {
    // By another policy or epoch: what is left of it is made, and written down, anew.
    under_way_.reset();
    held_.reset();
    queue_->Rewind();
  }
  Result<void> done = under_way_ ? Result<void>() : Collect(*moment);
  if (done && !under_way_) {
    return false;
  }
  if (done) {
    done = SendSome(*moment);
  }
  if (done && under_way_->left.empty()) {
    done = queue_->Done(under_way_->end_position);
    under_way_.reset();
  }
  if (!done) {
    Fail(done.error(), std::nullopt);
  }
  return done.has_value();
}

// Takes from the queue until a request is full or nothing waits.
Result<void> VendorSender::Collect(const Moment& moment) {
  const size_t most =
      moment.destination == nullptr ? kMostMessagesToFile : moment.destination->most_messages();
  UnderWay made;
  made.made_by = moment.generation;
  Result<bool> more = true;
  for (size_t i = 0; i < kMostPayloads && more && *more; ++i) {
    more = made.batch.messages().size() < most ? AddNext(moment, &made) : Result<bool>(false);
  }
  if (!more) {
    queue_->Rewind();
    held_.reset();
    return more.error();
  }
  if (made.end_position == 0) {
    return {};
  }
  Result<void> ready = AddIdentities(moment, &made);
  if (ready) {
    ready = Record(made);
  }
  if (!ready) {
    queue_->Rewind();
    held_.reset();
    return ready;
  }
  for (size_t i = 0; i < made.batch.messages().size(); ++i) {
    made.left.push_back(i);
  }
  under_way_ = std::move(made);
  return {};
}

// False: nothing more waits that goes with what is there.
Result<bool> VendorSender::AddNext(const Moment& moment, UnderWay* made) {
  std::optional<QueuedPayload> payload = std::exchange(held_, std::nullopt);
  if (!payload) {
    Result<std::optional<QueuedPayload>> taken = queue_->Take();
    if (!taken) {
      return taken.error();
    }
    payload = *std::move(taken);
  }
  return payload ? AddPayload(*payload, moment, made) : Result<bool>(false);
}

Result<bool> VendorSender::AddPayload(const QueuedPayload& payload, const Moment& moment,
                                      UnderWay* made) {
  Result<QueuedBatch> queued = DecodeQueuedBatch(payload.payload);
  if (!queued) {
    return queued.error();
  }
  const int64_t oldest = parts_.clock->NowMs() - int64_t{moment.policy.keep_queue_days} * kDayMs;
  const std::lock_guard lock(mutex_);
  const VendorEpoch& epoch = state_.EpochAt(payload.position);
  if (made->epoch != 0 && made->epoch != epoch.number) {
    held_ = payload;
    return false;
  }
  made->epoch = epoch.number;
  made->end_position = payload.next_position;
  if (queued->batch.arrival_ms < oldest || epoch.key.empty()) {
    ++counts_.expired;
    return true;
  }
  const EpochIds ids(epoch);
  made->batch.Add(*std::move(queued), {&moment.policy, &state_, &ids});
  return true;
}

Result<void> VendorSender::AddIdentities(const Moment& moment, UnderWay* made) {
  std::vector<SubjectIdentities> identities;
  std::vector<SubjectId> subjects = made->batch.ProfileSubjects();
  const auto canaries = std::ranges::stable_partition(
      subjects, [](const SubjectId& subject) { return !CanaryNumber(subject); });
  const std::vector<SubjectId> invented(canaries.begin(), canaries.end());
  subjects.erase(canaries.begin(), canaries.end());
  if (!moment.policy.identities.empty() && !subjects.empty()) {
    Result<std::vector<SubjectIdentities>> told =
        parts_.reveal(parts_.name, moment.policy, subjects);
    if (!told) {
      return Error{told.error().code,
                   "nothing is sent, for the vault tells nothing: " + told.error().message};
    }
    identities = *std::move(told);
  }
  for (SubjectIdentities& one : InventIdentities(moment.policy, made->epoch, invented)) {
    identities.push_back(std::move(one));
  }
  made->batch.AddIdentities(identities);
  return {};
}

// No telephone numbers and pictures: they would be somebody's. Where no identities go to the vendor
// and canaries have a domain, they alone have an address.
std::vector<SubjectIdentities> VendorSender::InventIdentities(
    const VendorPolicy& policy, uint32_t epoch, const std::vector<SubjectId>& canaries) const {
  std::vector<SubjectIdentities> invented;
  const std::lock_guard lock(mutex_);
  const auto of = std::ranges::find(state_.epochs(), epoch, &VendorEpoch::number);
  if (canaries.empty() || of == state_.epochs().end() || of->key.empty()) {
    return invented;
  }
  const std::vector<std::string> lure = {"$email", "$name"};
  const bool alone = policy.identities.empty() && !policy.canary_domain.empty();
  const std::vector<std::string>& named = alone ? lure : policy.identities;
  const CanaryIds ids(of->key);
  for (const SubjectId& subject : canaries) {
    SubjectIdentities& one = invented.emplace_back(SubjectIdentities{subject, {}});
    const InventedPerson person = ids.Person(*CanaryNumber(subject));
    for (const auto& [field, text] :
         {std::pair("$email", person.local_part + "@" + policy.canary_domain),
          std::pair("$name", person.first_name + " " + person.last_name),
          std::pair("$first_name", person.first_name), std::pair("$last_name", person.last_name)}) {
      if (std::ranges::find(named, field) != named.end()) {
        one.fields.push_back({field, Value(text), FieldForm::kIdentity});
      }
    }
  }
  return invented;
}

Result<void> VendorSender::Record(const UnderWay& made) {
  if (made.batch.empty()) {
    return {};
  }
  LedgerBatch batch = made.batch.ForLedger();
  batch.vendor = parts_.name;
  batch.epoch = made.epoch;
  batch.day = static_cast<int32_t>(parts_.clock->NowMs() / kDayMs);
  batch.sequence = parts_.ledger->LastSequence(parts_.name) + 1;
  Result<void> recorded = parts_.ledger->Record(batch);
  return recorded
             ? recorded
             : Error{recorded.error().code,
                     "nothing is sent, for it cannot be written down: " + recorded.error().message};
}

Result<void> VendorSender::SendSome(const Moment& moment) {
  std::vector<size_t>& left = under_way_->left;
  const size_t most = std::min(left.size(), MostMessages(moment));
  const std::vector<size_t> places(left.begin(), left.begin() + static_cast<ptrdiff_t>(most));
  if (places.empty()) {
    return {};
  }
  return moment.destination == nullptr ? WriteFiles(moment) : SendRequests(places, moment);
}

Result<void> VendorSender::WriteFiles(const Moment& moment) {
  if (sink_ == nullptr) {
    sink_ = std::make_unique<FileSink>(*parts_.fs, parts_.dir + "/files");
  }
  if (!StillHolds(moment)) {
    return {};
  }
  const size_t messages = under_way_->left.size();
  Result<void> written = sink_->Write(under_way_->batch.messages(), parts_.clock->NowMs());
  if (written) {
    under_way_->left.clear();
    CountTaken(messages);
  }
  return written;
}

Result<void> VendorSender::SendRequests(const std::vector<size_t>& places, const Moment& moment) {
  std::vector<OutboundMessage> messages;
  messages.reserve(places.size());
  for (const size_t place : places) {
    messages.push_back(under_way_->batch.messages()[place]);
  }
  const EncodedBatch encoded = moment.destination->Encode(messages);
  if (Result<void> buried = Bury(encoded.refused, places); !buried) {
    return buried;
  }
  for (const VendorRequest& request : encoded.requests) {
    const Result<bool> go_on = SendOne(request, places, moment);
    if (!go_on) {
      return go_on.error();
    }
    if (!*go_on) {
      break;
    }
  }
  return {};
}

Result<OutboundReply> VendorSender::PostTo(const VendorRequest& request,
                                           const Moment& moment) const {
  OutboundRequest outbound;
  outbound.url = request.url;
  outbound.content_type = request.content_type;
  outbound.headers = request.headers;
  outbound.body = request.body;
  outbound.allowed_internal = moment.policy.allow_addresses;
  outbound.timeout = kRequestTimeout;
  return parts_.post(outbound);
}

Result<bool> VendorSender::SendOne(const VendorRequest& request, const std::vector<size_t>& places,
                                   const Moment& moment) {
  if (!StillHolds(moment)) {
    return false;
  }
  const Result<OutboundReply> reply = PostTo(request, moment);
  if (!reply) {
    Fail(reply.error(), std::nullopt);
    return false;
  }
  const int64_t now = parts_.clock->NowMs();
  not_before_ms_ =
      now + static_cast<int64_t>(request.messages.size()) * 1000 / moment.policy.sends_per_second;
  return Heed(moment.destination->Judge(request, *reply), request, places);
}

Result<bool> VendorSender::Heed(const SendOutcome& outcome, const VendorRequest& request,
                                const std::vector<size_t>& places) {
  // By place in what was encoded.
  if (Result<void> buried = Bury(outcome.refused, places); !buried) {
    return buried.error();
  }
  switch (outcome.verdict) {
    case SendVerdict::kTaken: {
      std::vector<size_t> taken;
      for (const size_t message : request.messages) {
        taken.push_back(places.at(message));
      }
      Strike(taken);
      CountTaken(taken.size() - std::min(taken.size(), outcome.refused.size()));
      most_at_once_ *= 2;
      return true;
    }
    case SendVerdict::kTooLarge:
      most_at_once_ = std::max<size_t>(request.messages.size() / 2, 1);
      if (request.messages.size() == 1) {
        const Result<void> buried = Bury({{request.messages.front(), outcome.reason}}, places);
        return buried ? Result<bool>(true) : buried.error();
      }
      return false;
    case SendVerdict::kDenied: {
      const std::lock_guard lock(mutex_);
      denied_ = true;
      counts_.trouble = "the credential is refused: " + outcome.reason;
      return false;
    }
    case SendVerdict::kRetry:
      break;
  }
  Fail(Error{ErrorCode::kUnavailable, outcome.reason}, outcome.retry_after);
  return false;
}

Result<void> VendorSender::Bury(const std::vector<RefusedMessage>& refused,
                                const std::vector<size_t>& places) {
  std::vector<size_t> buried;
  for (const RefusedMessage& one : refused) {
    const size_t place = places.at(one.message);
    const DeadLetter letter{parts_.clock->NowMs(), one.reason, under_way_->batch.SourceOf(place)};
    if (Result<void> put = dead_->Put(EncodeDeadLetter(letter)); !put) {
      return Error{put.error().code, "the dead letters are full: " + put.error().message};
    }
    buried.push_back(place);
  }
  Strike(buried);
  const std::lock_guard lock(mutex_);
  counts_.refused += buried.size();
  return {};
}

void VendorSender::Strike(const std::vector<size_t>& places) {
  const std::set<size_t> gone(places.begin(), places.end());
  std::erase_if(under_way_->left, [&gone](size_t place) { return gone.contains(place); });
}

void VendorSender::CountTaken(size_t messages) {
  failures_ = 0;
  const std::lock_guard lock(mutex_);
  counts_.sent += messages;
  counts_.last_sent_ms = parts_.clock->NowMs();
  counts_.trouble.clear();
}

void VendorSender::Fail(const Error& error, std::optional<std::chrono::seconds> retry_after) {
  failures_ = std::min<uint32_t>(failures_ + 1, 20);
  int64_t pause = std::min(kFirstPauseMs << (failures_ - 1), kLongestPauseMs);
  if (retry_after) {
    pause = std::min(*retry_after, kLongestRetryAfter).count() * 1000;
  }
  not_before_ms_ = parts_.clock->NowMs() + pause;
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    news = counts_.trouble != error.message;
    counts_.trouble = error.message;
    ++counts_.retries;
  }
  if (news && parts_.log) {
    parts_.log(fmt::format("vendor {}: {}", parts_.name, error.message));
  }
}

void VendorSender::Start() {
  thread_ = std::thread([this] { Run(); });
}

void VendorSender::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    const bool sent = SendDue();
    lock.lock();
    if (!sent && !stop_) {
      wake_.wait_for(lock, kLookEvery);
    }
  }
}

}  // namespace bulkhead
