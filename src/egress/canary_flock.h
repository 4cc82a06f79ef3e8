// How the canaries of one vendor behave: what they do beside what real subjects do, added to what
// is about to wait for the vendor. Whoever has the vendor's whole data shall not find them, which
// src/egress/canary_traffic_test.cc tries. docs/vendors.md says what that leaves.
//
// A canary is born with one of a hundred subjects or fewer, chosen by a key, at that subject's
// first message. From then on it does as one real subject does, its donor, which events when; so
// its rhythm, its sessions and its choice of events are those of real people. Every span of two
// days it takes another donor, one of the eight that are most like it in all that was done so far,
// lately, since when, and mostly which event; so it goes on as somebody like it goes on, tires as
// people tire, and its whole sequence is nobody's. What would tie it to its donor even so is
// changed: it comes minutes later, by a keyed pause, and its sessions are keyedly slower or
// faster; properties that a subject keeps (an app's version, a plan, a town) are the canary's own,
// all of them of the subject that it was born with; the others are those of some other recent
// event of the same name; digits of values that nobody shares are its own.
//
// In an import, where weeks arrive within minutes, all of this goes by the times of the events.
//
// Nothing of it but the memory of canary_memory.h outlives a restart: a canary then misses what it
// would have done in the minutes around it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_ring.h"
#include "egress/canary_memory.h"
#include "egress/property_habits.h"
#include "egress/vendor_state.h"
#include "model/event.h"
#include "model/vendor_policy.h"

namespace bulkhead {

// Of the thread that feeds the vendor.
class CanaryFlock {
 public:
  struct Parts {
    FileSystem* fs = nullptr;  // outlives the flock, as does `keys`
    std::string path;
    std::string vendor;
    const KeyRing* keys = nullptr;
  };
  // Wraps the file under the newest key of the ring. kCorruption: the file was changed.
  // kUnavailable: it lies under a key that is gone.
  static Result<CanaryFlock> Open(Parts parts);

  // Looks at what the policy let through of one record, and adds what canaries do now, under
  // CanarySubject(number). Of real messages nothing is changed but that those under such an id
  // become nobody's. The same record once more gives the same additions, but for those that were
  // added meanwhile. Nothing where the policy wants no canaries. Durable: who is a canary; an error
  // means that nothing of it may be queued.
  Result<void> Weave(const VendorPolicy& policy, const VendorEpoch& epoch, uint64_t log_position,
                     Batch* batch);

  // How many there are in that epoch so far.
  [[nodiscard]] uint32_t canaries(uint32_t epoch) const {
    return epoch == memory_.epoch ? static_cast<uint32_t>(memory_.canaries.size()) : 0;
  }

 private:
  // What a canary is doing; forgotten at a restart.
  struct Session {
    int64_t began_ms = 0, last_ms = 0;  // of the donor's
  };
  struct Source {
    const VendorPolicy* policy = nullptr;
    uint64_t log_position = 0;
    size_t index = 0;
    int64_t arrival_ms = 0;
  };

  explicit CanaryFlock(Parts parts) : parts_(std::move(parts)) {}
  Result<void> Load();
  Result<void> Save(int64_t now_ms);
  void BeginEpoch(const VendorPolicy& policy, const VendorEpoch& epoch, int64_t span);
  void Turn(int64_t span);
  void ChooseDonor(uint32_t canary);
  void CountFollowers();
  CanaryActivity* Watch(uint64_t mark, const VendorPolicy& policy);
  void GiveBirth(uint64_t mark);
  [[nodiscard]] uint64_t MarkOf(const SubjectId& subject) const;
  [[nodiscard]] uint64_t NameMark(const std::string& name) const;
  int64_t MomentOf(const VendorPolicy& policy, const Batch& batch);
  [[nodiscard]] uint64_t Draw(std::string_view what, std::initializer_list<uint64_t> of) const;

  void SeeEvent(const Event& event, const Source& source);
  void Imitate(uint32_t canary, const Event& event, const Source& source);
  void SeeUpdate(const ProfileUpdate& update, const Source& source);
  int64_t PauseOf(uint32_t canary, int64_t time_ms, const Source& source);
  static int64_t LaterTime(int64_t time_ms, int64_t pause_ms, const Source& source);
  ValueObject OwnProperties(uint32_t canary, const ValueObject& properties,
                            const ValueObject* other, uint64_t event);
  void EmitDue(int64_t now_ms, Batch* batch);

  Parts parts_;
  CanaryMemory memory_;
  std::unique_ptr<KeyedHash> key_;  // of the epoch's; null: none yet
  bool changed_ = false, born_ = false;
  int64_t saved_ms_ = 0;
  uint32_t imported_records_ = 0;  // old ones in a row
  int64_t imported_ms_ = 0;

  PropertyHabits habits_;
  std::multimap<uint64_t, uint32_t> followers_;  // canaries by the mark of their donor
  std::map<uint32_t, Session> sessions_;
  std::map<std::string, std::pair<std::vector<ValueObject>, size_t>> recent_;  // by event's name
  std::multimap<int64_t, Event> events_;  // that wait, by when they are due
  std::multimap<int64_t, ProfileUpdate> updates_;
};

}  // namespace bulkhead
