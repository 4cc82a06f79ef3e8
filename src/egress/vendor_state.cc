#include "egress/vendor_state.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/byte_codec.h"
#include "base/hex.h"
#include "crypto/sealed_file.h"

namespace bulkhead {
namespace {

constexpr std::string_view kMagic = "BHVEND01";
constexpr size_t kMaxEpochs = 10'000;
constexpr size_t kReviveCodeBytes = 16;
constexpr uint8_t kKilledWithIdsToList = 3;  // as a standing in the file
constexpr std::string_view kIdLabel = "bulkhead v1 vendor ids";
constexpr std::string_view kTokenLabel = "bulkhead v1 vendor tokens";

std::string Digest128(const KeyedHash& hash, std::string_view text) {
  std::array<uint8_t, 16> digest{};
  hash.Digest128(text, digest.data());
  return HexEncode(digest);
}

// The parts one after the other, each of a length that the body says.
class SecretPacker {
 public:
  explicit SecretPacker(size_t bytes) : packed_(bytes) {}
  void Add(const SecretBytes& part) {
    if (part.empty()) {
      return;
    }
    std::memcpy(packed_.data() + at_, part.data(), part.size());
    at_ += part.size();
  }
  [[nodiscard]] SecretBytes Take() { return std::move(packed_); }

 private:
  SecretBytes packed_;
  size_t at_ = 0;
};

}  // namespace

EpochIds::EpochIds(const VendorEpoch& epoch)
    : ids_(DeriveKey(epoch.key, kIdLabel)),
      tokens_(DeriveKey(epoch.key, kTokenLabel)),
      canaries_(epoch.key) {}

SubjectId EpochIds::Of(const SubjectId& subject) const {
  SubjectId id;
  if (const std::optional<uint32_t> canary = CanaryNumber(subject)) {
    return canaries_.VendorId(*canary);
  }
  if (!subject.IsNobody()) {
    ids_.Digest128({reinterpret_cast<const char*>(subject.bytes.data()), subject.bytes.size()},
                   id.bytes.data());
  }
  return id;
}

std::string EpochIds::TokenOf(std::string_view property, std::string_view json) const {
  std::string text;
  ByteWriter writer(&text);
  writer.String(property);
  writer.Raw(json);
  return Digest128(tokens_, text);
}

Result<VendorState> VendorState::Open(FileSystem& fs, const std::string& dir,
                                      const std::string& vendor, const KeyRing& keys,
                                      int64_t now_ms) {
  VendorState state(fs, dir + "/state", vendor, keys);
  if (!fs.Exists(state.path_)) {
    if (Result<void> made = fs.CreateDirs(dir); !made) {
      return made.error();
    }
    state.message_key_ = RandomSecret(kKeyBytes);
    state.queue_keys_ = GenerateSealKeyPair();
    state.epochs_.push_back({1, now_ms, 0, 0, RandomSecret(kKeyBytes)});
    const Result<void> written = state.Write();
    return written ? Result<VendorState>(std::move(state)) : written.error();
  }
  const Result<std::string> bytes = fs.ReadWhole(state.path_);
  if (!bytes) {
    return bytes.error();
  }
  if (Result<void> loaded = state.Load(*bytes); !loaded) {
    return Error{loaded.error().code, state.path_ + ": " + loaded.error().message};
  }
  if (state.ring_key_ != keys.newest().id) {
    if (Result<void> written = state.Write(); !written) {
      return written.error();
    }
  }
  return state;
}

Result<void> VendorState::Write() const {
  std::string body;
  ByteWriter writer(&body);
  writer.Byte(ids_to_list_ ? kKilledWithIdsToList : static_cast<uint8_t>(standing_));
  writer.SignedVarint(credential_set_ms_);
  writer.String(killed_by_);
  writer.SignedVarint(killed_ms_);
  writer.Fixed(revive_digests_);
  writer.Fixed(queue_keys_.public_key);
  writer.Varint(credential_.size());
  writer.Varint(epochs_.size());
  size_t secret_bytes = 2 * kKeyBytes + credential_.size();
  for (const VendorEpoch& epoch : epochs_) {
    writer.Varint(epoch.number);
    writer.SignedVarint(epoch.begun_ms);
    writer.SignedVarint(epoch.ended_ms);
    writer.Varint(epoch.from_position);
    writer.Byte(epoch.key.empty() ? 0 : 1);
    secret_bytes += epoch.key.size();
  }
  SecretPacker packer(secret_bytes);
  packer.Add(message_key_);
  packer.Add(queue_keys_.private_key);
  packer.Add(credential_);
  for (const VendorEpoch& epoch : epochs_) {
    packer.Add(epoch.key);
  }
  return fs_->WriteFileAtomically(path_,
                                  EncryptFile(*keys_, {kMagic, vendor_}, packer.Take(), body));
}

Result<void> VendorState::Load(std::string_view bytes) {
  const Error damaged{ErrorCode::kCorruption, "is damaged"};
  Result<SealedFile> file = DecryptFile(*keys_, {kMagic, vendor_}, bytes);
  if (!file) {
    return file.error().code == ErrorCode::kDenied
               ? Error{ErrorCode::kUnavailable, "lies under a vendor key that was retired"}
               : file.error();
  }
  ring_key_ = file->ring_key;
  ByteReader in(file->body);
  const uint8_t standing = in.Byte();
  credential_set_ms_ = in.SignedVarint();
  killed_by_ = in.String();
  killed_ms_ = in.SignedVarint();
  revive_digests_ = in.Fixed<std::array<std::array<uint8_t, 32>, 2>>();
  queue_keys_.public_key = in.Fixed<std::array<uint8_t, 32>>();
  const uint64_t credential_bytes = in.Varint();
  const size_t count = in.Count();
  if (!in.ok() || count == 0 || count > kMaxEpochs || standing == 0 ||
      standing > kKilledWithIdsToList) {
    return damaged;
  }
  ids_to_list_ = standing == kKilledWithIdsToList;
  standing_ = ids_to_list_ ? VendorStanding::kKilled : static_cast<VendorStanding>(standing);
  ByteReader secrets(file->secrets.view());
  message_key_ = SecretBytes(secrets.Raw(kKeyBytes));
  queue_keys_.private_key = SecretBytes(secrets.Raw(kKeyBytes));
  credential_ = SecretBytes(secrets.Raw(credential_bytes));
  for (size_t i = 0; i < count; ++i) {
    VendorEpoch& epoch = epochs_.emplace_back();
    epoch.number = static_cast<uint32_t>(in.Varint());
    epoch.begun_ms = in.SignedVarint();
    epoch.ended_ms = in.SignedVarint();
    epoch.from_position = in.Varint();
    if (in.Byte() != 0) {
      epoch.key = SecretBytes(secrets.Raw(kKeyBytes));
    }
  }
  return in.ok() && in.AtEnd() && secrets.ok() && secrets.AtEnd() ? Result<void>()
                                                                  : Result<void>(damaged);
}

const VendorEpoch& VendorState::EpochAt(uint64_t queue_position) const {
  const auto later = std::find_if(
      epochs_.begin() + 1, epochs_.end(),
      [queue_position](const VendorEpoch& epoch) { return epoch.from_position > queue_position; });
  return *(later - 1);
}

std::string VendorState::MessageId(std::string_view identity) const {
  return Digest128(KeyedHash(message_key_), identity);
}

template <typename Change>
Result<void> VendorState::Try(const Change& change) {
  const Result<std::string> before = fs_->ReadWhole(path_);
  if (!before) {
    return before.error();
  }
  change();
  Result<void> written = Write();
  if (!written) {
    epochs_.clear();
    const Result<void> restored = Load(*before);
    return restored ? written : restored;
  }
  ring_key_ = keys_->newest().id;
  return written;
}

Result<void> VendorState::SetCredential(SecretBytes credential, int64_t now_ms) {
  return Try([&] {
    credential_ = std::move(credential);
    credential_set_ms_ = credential_.empty() ? 0 : now_ms;
  });
}

Result<void> VendorState::BeginEpoch(int64_t now_ms, uint64_t from_position) {
  return Try([&] {
    epochs_.back().ended_ms = now_ms;
    epochs_.push_back(
        {epochs_.back().number + 1, now_ms, 0, from_position, RandomSecret(kKeyBytes)});
  });
}

Result<void> VendorState::DestroyEpochKey(uint32_t number) {
  const auto found = std::find_if(epochs_.begin(), epochs_.end(), [number](const VendorEpoch& e) {
    return e.number == number && e.ended_ms != 0;
  });
  if (found == epochs_.end()) {
    return Error{ErrorCode::kNotFound, "no epoch of that number has ended"};
  }
  return Try([&] { found->key = SecretBytes(); });
}

Result<ReviveCodes> VendorState::Kill(const std::string& actor, int64_t now_ms,
                                      uint64_t from_position, LeftData data) {
  if (standing_ == VendorStanding::kKilled) {
    return Error{ErrorCode::kInvalid, "it is killed already"};
  }
  ReviveCodes codes{RandomHex(kReviveCodeBytes), RandomHex(kReviveCodeBytes)};
  const Result<void> killed = Try([&] {
    revive_digests_ = {Sha256(codes[0]), Sha256(codes[1])};
    standing_ = VendorStanding::kKilled;
    ids_to_list_ = data == LeftData::kDelete;
    killed_by_ = actor;
    killed_ms_ = now_ms;
    credential_ = SecretBytes();
    credential_set_ms_ = 0;
    epochs_.back().ended_ms = now_ms;
    epochs_.push_back(
        {epochs_.back().number + 1, now_ms, 0, from_position, RandomSecret(kKeyBytes)});
  });
  return killed ? Result<ReviveCodes>(std::move(codes)) : killed.error();
}

Result<void> VendorState::IdsAreListed() {
  return Try([&] { ids_to_list_ = false; });
}

Result<void> VendorState::Revive(const ReviveCodes& codes) {
  const auto fits = [this](const std::string& first, const std::string& second) {
    return Sha256(first) == revive_digests_[0] && Sha256(second) == revive_digests_[1];
  };
  if (standing_ != VendorStanding::kKilled) {
    return Error{ErrorCode::kInvalid, "it is not killed"};
  }
  if (!fits(codes[0], codes[1]) && !fits(codes[1], codes[0])) {
    return Error{ErrorCode::kDenied, "these are not the two codes that were given at the kill"};
  }
  return Try([&] {
    revive_digests_ = {};
    standing_ = VendorStanding::kActive;
    ids_to_list_ = false;
    killed_by_.clear();
    killed_ms_ = 0;
  });
}

Result<void> VendorState::Rewrap(const KeyRing& keys) {
  keys_ = &keys;
  return ring_key_ == keys.newest().id ? Result<void>() : Try([] {});
}

}  // namespace bulkhead
