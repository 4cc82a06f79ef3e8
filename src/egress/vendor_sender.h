// Sends one vendor what waits for it: in order, at least once, each message under the same id at
// every attempt. Before anything of a batch is sent it stands in the ledger. A vendor that fails is
// tried again with growing pauses and delays no other; what it will never take goes to the dead
// letters. docs/vendors.md says how each failure is handled.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "egress/canary_flock.h"
#include "egress/destination.h"
#include "egress/file_sink.h"
#include "egress/ledger.h"
#include "egress/message_batch.h"
#include "egress/outbound_client.h"
#include "egress/vendor_queue.h"
#include "egress/vendor_state.h"
#include "model/vendor_policy.h"

namespace bulkhead {

struct VendorStatus {
  std::string name;
  VendorType type = VendorType::kWebhook;
  bool paused = false;
  bool killed = false;
  std::string killed_by;
  int64_t killed_ms = 0;
  bool has_credential = false;
  int64_t credential_set_ms = 0;
  std::string trouble;   // why nothing is sent now; empty while all is well
  bool waiting = false;  // something is in the queue
  uint64_t queue_bytes = 0;
  bool dead_letters = false;
  uint64_t dead_bytes = 0;
  uint64_t sent = 0;             // messages that were taken, since the start
  uint64_t refused = 0;          // that went to the dead letters
  uint64_t retries = 0;          // requests that were not taken
  uint64_t unqueued = 0;         // messages that found the queue full
  uint64_t expired = 0;          // batches that waited too long
  bool deletions = false;        // ids wait that the vendor is to be asked to delete
  uint64_t deleted = 0;          // ids that it was asked to delete, since the start
  bool delete_by_hand = false;   // ids that it has no interface for, or refused: see ReadByHand
  bool leaving = false;          // killed, and not all of its ids are asked for or left to people
  bool leaving_counted = false;  // how many these are is known
  uint64_t leaving_asked = 0;    // of a kill since the start: ids it was asked to delete,
  uint64_t leaving_left = 0;     // and those still to come
  int64_t last_sent_ms = 0;
  uint32_t epoch = 0;
  int64_t epoch_begun_ms = 0;
  uint32_t epoch_keys = 0;  // that are not destroyed
  uint32_t canaries = 0;    // of this epoch, so far
  // Times that one was seen where only a leak brings it, the last of them, and the incident that
  // this opened: as main/canary_watch.h adds them.
  uint64_t canaries_seen = 0;
  int64_t canary_seen_ms = 0;
  std::string canary_incident;
};

// Thread-safe; Feed belongs to one thread.
class VendorSender {
 public:
  struct Parts {
    FileSystem* fs = nullptr;
    const Clock* clock = nullptr;
    std::string name;
    std::string dir;                // DIR/egress/vendors/NAME
    const KeyRing* keys = nullptr;  // outlives the sender, as do all these
    Ledger* ledger = nullptr;
    std::function<Result<OutboundReply>(const OutboundRequest&)> post;
    // What the vault tells of these, as the policy allows the vendor; what its budget does not
    // cover is left out. An error: nothing is sent now.
    std::function<Result<std::vector<SubjectIdentities>>(const std::string& vendor,
                                                         const VendorPolicy& policy,
                                                         const std::vector<SubjectId>& subjects)>
        reveal;
    std::function<void(const std::string&)> log;  // what went wrong; may be null
  };
  static Result<std::unique_ptr<VendorSender>> Open(Parts parts, const VendorPolicy& policy);
  ~VendorSender();
  VendorSender(const VendorSender&) = delete;
  VendorSender& operator=(const VendorSender&) = delete;

  // The policy from now on; what waits is sent by it.
  void Follow(const VendorPolicy& policy);
  // What the policy let through of one record of the log (position 0: of a back-fill). Canaries add
  // theirs to it. Durable when it returns. kLimit: the queue is full, and it is not in it.
  Result<void> Feed(uint64_t log_position, const Batch& filtered);
  // Ends epochs and destroys their keys as the policy says; for whoever looks in now and then.
  Result<void> KeepEpochs();

  // Takes erased subjects out of what waits and out of the dead letters, and has the vendor asked
  // to delete what it has of them, under every id whose epoch's key is there. Again after a crash.
  Result<void> Forget(const std::vector<SubjectId>& subjects);

  // Sends what is due now; whether there was anything. For the thread of Start and for tests.
  bool SendDue();
  void Start();

  Result<void> SetCredential(SecretBytes credential);
  Result<void> BeginEpoch();
  Result<void> DestroyEpochKey(uint32_t number);
  // Returns once no message can be sent any more: the credential is gone from the disk, a new epoch
  // has begun, what waits stays where it is. A request that is on its way at that moment may still
  // arrive. Where the vendor is to delete what it has, the credential stays in memory for that
  // alone: until all is asked, it is revived, a day is over, or this process ends; then ids are
  // left to people.
  Result<ReviveCodes> Kill(const std::string& actor, LeftData data);
  // Writes down which ids a killed vendor is asked to delete: every one of the ledger's and of
  // canaries whose epoch's key is there. False: that takes longer, and goes on behind.
  Result<bool> ListForDeletion(std::optional<std::chrono::milliseconds> most);
  // The kill stands in the audit log: from now on the vendor may be asked; else not, and all ids
  // are left to people.
  void BeginLeaving(bool ask);
  Result<void> Revive(const ReviveCodes& codes);
  // The ids that somebody has to have deleted at the vendor by other means: up to `most`, behind so
  // many others.
  Result<std::vector<SubjectId>> ReadByHand(uint64_t behind, uint64_t most);
  Result<void> ClearByHand();
  // Puts the dead letters back into the queue; how many.
  Result<uint64_t> ResendDead();
  // Calls `each` for up to `most` of them, oldest first.
  Result<void> ReadDead(uint64_t most, const std::function<void(const DeadLetter&)>& each);

  // In which epoch the vendor was sent a canary of that address (in lower case); nothing: in none
  // whose key is there, or addresses of that domain are none of this vendor's.
  [[nodiscard]] std::optional<uint32_t> EpochOfCanary(std::string_view local_part,
                                                      std::string_view domain) const;

  [[nodiscard]] VendorStatus status() const;
  // The epochs whose keys are there, for matching ids of a leaked file.
  [[nodiscard]] std::vector<std::pair<uint32_t, EpochIds>> KnownEpochs() const;

 private:
  // A batch under way: what of it has not been taken or buried.
  struct UnderWay {
    MessageBatch batch;
    std::vector<size_t> left;  // by place in the batch, in order
    uint64_t end_position = 0;
    uint32_t epoch = 0;
    uint64_t made_by = 0;  // the generation of policy, epoch and standing
  };
  // What a batch is made and sent by, as it was at one moment.
  struct Moment {
    VendorPolicy policy;
    std::shared_ptr<const Destination> destination;  // null: of files
    uint64_t generation = 0;
  };

  VendorSender(Parts parts, VendorPolicy policy, VendorState state, CanaryFlock flock);
  Result<void> OpenQueues();
  void MakeDestinationLocked();
  Result<void> Change(const std::function<Result<void>()>& change);

  [[nodiscard]] std::optional<Moment> Now() const;
  [[nodiscard]] bool StillHolds(const Moment& moment) const;
  [[nodiscard]] size_t MostMessages(const Moment& moment) const;
  Result<void> Collect(const Moment& moment);
  Result<bool> AddNext(const Moment& moment, UnderWay* made);
  Result<bool> AddPayload(const QueuedPayload& payload, const Moment& moment, UnderWay* made);
  Result<void> AddIdentities(const Moment& moment, UnderWay* made);
  [[nodiscard]] std::vector<SubjectIdentities> InventIdentities(
      const VendorPolicy& policy, uint32_t epoch, const std::vector<SubjectId>& canaries) const;
  Result<void> Record(const UnderWay& made);
  Result<void> SendSome(const Moment& moment);
  enum class DeletionFate : unsigned char { kLater = 1, kAsked, kByHand };
  class IdList;
  // False: to be tried again.
  Result<bool> SendDeletions(VendorQueue* queue, const Moment& moment);
  Result<DeletionFate> AskToDelete(const std::vector<SubjectId>& ids, const Moment& moment);
  [[nodiscard]] bool IsKilled() const;
  [[nodiscard]] bool HasToList() const;
  [[nodiscard]] bool HasCanaries() const;
  Result<void> ListEpoch(uint32_t number, const EpochIds& ids, IdList* list,
                         const std::function<bool()>& go_on) const;
  bool LeaveDue();
  Result<void> DropLeaving();
  Result<void> WriteFiles(const Moment& moment);
  Result<void> SendRequests(const std::vector<size_t>& places, const Moment& moment);
  [[nodiscard]] Result<OutboundReply> PostTo(const VendorRequest& request,
                                             const Moment& moment) const;
  // Whether to go on with the next.
  Result<bool> SendOne(const VendorRequest& request, const std::vector<size_t>& places,
                       const Moment& moment);
  Result<bool> Heed(const SendOutcome& outcome, const VendorRequest& request,
                    const std::vector<size_t>& places);
  Result<void> Bury(const std::vector<RefusedMessage>& refused, const std::vector<size_t>& places);
  void Strike(const std::vector<size_t>& places);
  void CountTaken(size_t messages);
  void Fail(const Error& error, std::optional<std::chrono::seconds> retry_after);
  void Run();

  const Parts parts_;
  std::mutex sending_;  // one SendDue at a time; guards what follows and the queue's reading end
  std::optional<UnderWay> under_way_;
  std::optional<QueuedPayload> held_;  // taken, and of a later epoch than what is under way
  std::unique_ptr<FileSink> sink_;
  size_t most_at_once_ = 0;  // fewer after a request that was too large; 0: as many as may be
  uint32_t failures_ = 0;
  int64_t not_before_ms_ = 0;
  uint64_t left_by_ = 0;  // the generation of the kill whose ids are asked for
  std::unique_ptr<VendorQueue> queue_;
  std::unique_ptr<VendorQueue> dead_;       // put and taken under sending_, as are the next two
  std::unique_ptr<VendorQueue> deletions_;  // what the vendor is to be asked to delete
  std::unique_ptr<VendorQueue> by_hand_;    // what it cannot be asked to
  std::mutex listing_;  // held while something is put into leaving_, or it is emptied
  std::unique_ptr<VendorQueue> leaving_;  // what a killed vendor is asked to delete
  std::mutex feeding_;  // held while something is put into queue_, or all of it is written anew

  mutable std::mutex mutex_;  // of all below
  VendorPolicy policy_;
  VendorState state_;
  CanaryFlock flock_;
  std::shared_ptr<const Destination> destination_;
  std::shared_ptr<const Destination> farewell_;  // of a killed vendor, for deletions alone
  int64_t farewell_until_ms_ = 0;
  bool may_leave_ = false;   // the kill stands in the audit log
  bool denied_ = false;      // the credential is not good
  uint64_t generation_ = 1;  // grows with each change of what a batch is made by
  VendorStatus counts_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace bulkhead
