// What egress keeps of one vendor, DIR/egress/vendors/NAME/state: its credential, the keys of its
// epochs, and whether it was killed. A sealed file (crypto/sealed_file.h) under the vendor keys,
// written anew as a whole with each change; a credential or an epoch's key that is taken out of it
// is gone. docs/formats/vendor_state.md draws the bytes. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_ring.h"
#include "egress/canary_ids.h"
#include "model/ids.h"

namespace bulkhead {

// A time in which a vendor knows every subject by the same id.
struct VendorEpoch {
  uint32_t number = 0;  // from 1
  int64_t begun_ms = 0;
  int64_t ended_ms = 0;        // 0: the present one
  uint64_t from_position = 0;  // in the vendor's queue: what lies from here on has this epoch's ids
  SecretBytes key;             // empty: destroyed, nothing can be joined to its ids any more
};

// The ids and tokens of one epoch whose key is there.
class EpochIds {
 public:
  explicit EpochIds(const VendorEpoch& epoch);
  // Nobody stays nobody; a CanarySubject becomes this epoch's canary of its number.
  [[nodiscard]] SubjectId Of(const SubjectId& subject) const;
  // What is left of a value of form kToken: 32 hexadecimal digits.
  [[nodiscard]] std::string TokenOf(std::string_view property, std::string_view json) const;
  [[nodiscard]] const CanaryIds& canaries() const { return canaries_; }

 private:
  KeyedHash ids_;
  KeyedHash tokens_;
  CanaryIds canaries_;
};

using ReviveCodes = std::array<std::string, 2>;  // in either order

enum class VendorStanding : unsigned char { kActive = 1, kKilled };
enum class LeftData : unsigned char { kDelete = 1, kKeep };  // what becomes of it at the vendor

class VendorState {
 public:
  // Makes the state of a new vendor, with its first epoch, where there is none. kCorruption:
  // changed. kUnavailable: `keys` lack the one that it lies under.
  static Result<VendorState> Open(FileSystem& fs, const std::string& dir, const std::string& vendor,
                                  const KeyRing& keys, int64_t now_ms);

  [[nodiscard]] const std::vector<VendorEpoch>& epochs() const { return epochs_; }  // oldest first
  // The one in which a place of the queue is sent.
  [[nodiscard]] const VendorEpoch& EpochAt(uint64_t queue_position) const;
  // The id of a message, the same at every attempt and in every epoch, from what it is made of.
  [[nodiscard]] std::string MessageId(std::string_view identity) const;

  [[nodiscard]] const SecretBytes& credential() const { return credential_; }
  [[nodiscard]] int64_t credential_set_ms() const { return credential_set_ms_; }
  [[nodiscard]] VendorStanding standing() const { return standing_; }
  [[nodiscard]] const std::string& killed_by() const { return killed_by_; }
  [[nodiscard]] int64_t killed_ms() const { return killed_ms_; }
  // Of a kill: the ids that the vendor is to be asked to delete are not all written down yet.
  [[nodiscard]] bool has_ids_to_list() const { return ids_to_list_; }
  [[nodiscard]] const SealKeyPair& queue_keys() const { return queue_keys_; }

  // Each durable when it returns; an error leaves the state as it was.
  Result<void> SetCredential(SecretBytes credential, int64_t now_ms);
  Result<void> BeginEpoch(int64_t now_ms, uint64_t from_position);
  // Of an epoch that has ended.
  Result<void> DestroyEpochKey(uint32_t number);
  // Credential gone, a new epoch begun. Gives the two codes that only together undo the standing,
  // for two people; they are kept nowhere. kInvalid: it is killed already.
  Result<ReviveCodes> Kill(const std::string& actor, int64_t now_ms, uint64_t from_position,
                           LeftData data);
  // The ids that a killed vendor is asked to delete are written down elsewhere.
  Result<void> IdsAreListed();
  // kDenied: not the two codes.
  Result<void> Revive(const ReviveCodes& codes);
  // Under the newest key of the ring.
  Result<void> Rewrap(const KeyRing& keys);

 private:
  VendorState(FileSystem& fs, std::string path, std::string vendor, const KeyRing& keys)
      : fs_(&fs), path_(std::move(path)), vendor_(std::move(vendor)), keys_(&keys) {}
  Result<void> Load(std::string_view bytes);
  Result<void> Write() const;
  // Writes what `change` makes of the state; undoes it where that fails.
  template <typename Change>
  Result<void> Try(const Change& change);

  FileSystem* fs_;
  std::string path_;
  std::string vendor_;
  const KeyRing* keys_;
  uint32_t ring_key_ = 0;
  std::vector<VendorEpoch> epochs_;
  SecretBytes message_key_;
  SealKeyPair queue_keys_;
  SecretBytes credential_;
  int64_t credential_set_ms_ = 0;
  VendorStanding standing_ = VendorStanding::kActive;
  bool ids_to_list_ = false;  // only of kKilled
  std::string killed_by_;
  int64_t killed_ms_ = 0;
  std::array<std::array<uint8_t, 32>, 2> revive_digests_{};  // SHA-256 of the codes
};

}  // namespace bulkhead
