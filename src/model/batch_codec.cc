// The bytes of a batch; docs/formats/batch.md says the same in words.
//
//   version 1 | project | arrival | flags | policy | names: count, strings | events: count, each |
//   updates: count, each | sealed
//
// All counts, sizes and name numbers are varints; times are signed varints, those of events
// relative to the arrival.
#include "model/batch_codec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kFromImport = 1;
constexpr uint8_t kHasPolicy = 2;
constexpr uint8_t kBatchFlags = kFromImport | kHasPolicy;

// Flags of an event and of an update.
constexpr uint8_t kHasPerson = 1;
constexpr uint8_t kHasDevice = 2;
constexpr uint8_t kDeviceIsPerson = 4;
constexpr uint8_t kHasInsertId = 8;
constexpr uint8_t kEventFlags = kHasPerson | kHasDevice | kDeviceIsPerson | kHasInsertId;
constexpr uint8_t kIsGroup = 2;
constexpr uint8_t kIgnoreTime = 4;
constexpr uint8_t kUpdateFlags = kHasPerson | kIsGroup | kIgnoreTime;

// The first byte of a value. kShortString + n: a string of n < 128 bytes follows.
enum Tag : uint8_t {
  kNull = 1,
  kFalse = 2,
  kTrue = 3,
  kInteger = 4,
  kDouble = 5,
  kString = 6,
  kList = 7,
  kObject = 8,
  kShortString = 0x80,
};

constexpr double kLargestExactInteger = 9007199254740992.0;  // 2^53

bool IsExactInteger(double number) {
  return std::fabs(number) <= kLargestExactInteger && number == std::trunc(number) &&
         !(number == 0 && std::signbit(number));
}

// --- Encoding ---

// The names of one batch, numbered in the order of their first use.
class NameTable {
 public:
  uint32_t NumberOf(std::string_view name) {
    // Events of a batch resemble each other: mostly this is the name that came after the last one
    // before, too.
    const uint32_t guess = names_.empty() ? 0 : followers_[last_];
    if (names_.empty() || names_[guess] != name) {
      const uint32_t number = LookUp(name);
      followers_[last_] = number;
      return last_ = number;
    }
    return last_ = guess;
  }
  [[nodiscard]] const std::vector<std::string_view>& names() const { return names_; }

 private:
  uint32_t LookUp(std::string_view name) {
    if (names_.size() * 2 >= slots_.size()) {
      Grow();
    }
    for (size_t at = Hash(name);; ++at) {
      uint32_t& slot = slots_[at & (slots_.size() - 1)];
      if (slot == 0) {
        names_.push_back(name);
        followers_.push_back(0);
        slot = static_cast<uint32_t>(names_.size());
      }
      if (names_[slot - 1] == name) {
        return slot - 1;
      }
    }
  }
  // All of the name, seeded: names come from the network, and must not be made to collide.
  static size_t Hash(std::string_view name) {
    static const uint64_t seed = std::random_device{}() * 0x9E3779B97F4A7C15U;
    uint64_t hash = seed ^ name.size();
    for (; name.size() > 8; name.remove_prefix(8)) {
      uint64_t word = 0;
      std::memcpy(&word, name.data(), 8);
      hash = Mix(hash ^ word);
    }
    uint64_t rest = 0;
    std::memcpy(&rest, name.data(), name.size());
    return Mix(hash ^ rest);
  }
  static uint64_t Mix(uint64_t value) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(value ^ 0x2D358DCCAA6C78A5U) * 0x8BB84B93962EACC9U;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  }
  void Grow() {
    slots_.assign(std::max<size_t>(64, slots_.size() * 2), 0);
    for (size_t i = 0; i < names_.size(); ++i) {
      size_t at = Hash(names_[i]);
      while (slots_[at & (slots_.size() - 1)] != 0) {
        ++at;
      }
      slots_[at & (slots_.size() - 1)] = static_cast<uint32_t>(i + 1);
    }
  }
  std::vector<std::string_view> names_;
  std::vector<uint32_t> followers_;  // by number: the number asked for after it, the last time
  std::vector<uint32_t> slots_;      // number + 1; 0 = free
  uint32_t last_ = 0;
};

class Encoder {
 public:
  explicit Encoder(const Batch& batch) : batch_(batch), writer_(&body_) {}

  void Run(std::string* out) {
    writer_.Varint(batch_.events.size());
    for (const Event& event : batch_.events) {
      PutEvent(event);
    }
    writer_.Varint(batch_.profile_updates.size());
    for (const ProfileUpdate& update : batch_.profile_updates) {
      PutUpdate(update);
    }
    ByteWriter head(out);
    head.Byte(kVersion);
    head.Varint(batch_.project.value);
    head.SignedVarint(batch_.arrival_ms);
    head.Byte(static_cast<uint8_t>((batch_.from_import ? kFromImport : 0) |
                                   (batch_.policy_version != 0 ? kHasPolicy : 0)));
    if (batch_.policy_version != 0) {
      head.Varint(batch_.policy_version);
    }
    head.Varint(names_.names().size());
    for (const std::string_view name : names_.names()) {
      head.String(name);
    }
    head.Raw(body_);
    head.String(batch_.sealed);
  }

 private:
  void PutEvent(const Event& event) {
    writer_.Varint(names_.NumberOf(event.name));
    PutTime(event.time_ms);
    const bool has_person = !event.person.IsNobody();
    const bool has_device = !event.device.IsNobody();
    const bool same = has_person && event.device == event.person;
    writer_.Byte(static_cast<uint8_t>(
        (has_person ? kHasPerson : 0) | (has_device && !same ? kHasDevice : 0) |
        (same ? kDeviceIsPerson : 0) | (event.insert_id != 0 ? kHasInsertId : 0)));
    if (has_person) {
      writer_.Fixed(event.person.bytes);
    }
    if (has_device && !same) {
      writer_.Fixed(event.device.bytes);
    }
    if (event.insert_id != 0) {
      writer_.Fixed(event.insert_id);
    }
    PutObject(event.properties, 0);
  }
  void PutUpdate(const ProfileUpdate& update) {
    const bool has_subject = !update.subject.IsNobody();
    const bool is_group = !update.group_key.empty() || !update.group_id.empty();
    writer_.Byte(static_cast<uint8_t>((has_subject ? kHasPerson : 0) | (is_group ? kIsGroup : 0) |
                                      (update.ignore_time ? kIgnoreTime : 0)));
    if (has_subject) {
      writer_.Fixed(update.subject.bytes);
    }
    if (is_group) {
      writer_.String(update.group_key);
      writer_.String(update.group_id);
    }
    writer_.Byte(static_cast<uint8_t>(update.op));
    PutTime(update.time_ms);
    PutObject(update.properties, 0);
  }
  // Wraps around where the difference does not fit; so does the decoder.
  void PutTime(int64_t time_ms) {
    writer_.SignedVarint(static_cast<int64_t>(static_cast<uint64_t>(time_ms) -
                                              static_cast<uint64_t>(batch_.arrival_ms)));
  }
  void PutObject(const ValueObject& object, int depth) {
    writer_.Varint(object.size());
    for (const auto& [name, value] : object) {
      writer_.Varint(names_.NumberOf(name));
      PutValue(value, depth);
    }
  }
  void PutValue(const Value& value, int depth) {
    switch (value.kind()) {
      case ValueKind::kNull:
        writer_.Byte(kNull);
        return;
      case ValueKind::kBool:
        writer_.Byte(value.bool_value() ? kTrue : kFalse);
        return;
      case ValueKind::kNumber:
        PutNumber(value.number());
        return;
      case ValueKind::kString:
        PutString(value.string());
        return;
      case ValueKind::kList:
      case ValueKind::kObject:
        PutNested(value, depth + 1);
        return;
    }
  }
  void PutNumber(double number) {
    if (IsExactInteger(number)) {
      writer_.Byte(kInteger);
      writer_.SignedVarint(static_cast<int64_t>(number));
    } else if (std::isfinite(number)) {
      writer_.Byte(kDouble);
      writer_.Fixed(number);
    } else {
      writer_.Byte(kNull);
    }
  }
  void PutString(const std::string& text) {
    if (text.size() < 128) {
      writer_.Byte(static_cast<uint8_t>(kShortString + text.size()));
      writer_.Raw(text);
    } else {
      writer_.Byte(kString);
      writer_.String(text);
    }
  }
  void PutNested(const Value& value, int depth) {
    if (depth > kMaxBatchDepth) {
      writer_.Byte(kNull);
    } else if (value.is_object()) {
      writer_.Byte(kObject);
      PutObject(value.object(), depth);
    } else {
      writer_.Byte(kList);
      writer_.Varint(value.list().size());
      for (const Value& element : value.list()) {
        PutValue(element, depth);
      }
    }
  }

  const Batch& batch_;
  NameTable names_;
  std::string body_;
  ByteWriter writer_;
};

// --- Decoding ---

// What a hostile count may make us reserve before the bytes run out.
constexpr size_t kMostReserved = 4096;

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : reader_(bytes) {}

  Result<Batch> Run() {
    Batch batch;
    if (reader_.Byte() != kVersion) {
      return Error{ErrorCode::kCorruption, "the batch has an unknown version"};
    }
    const uint64_t project = reader_.Varint();
    Require(project <= UINT32_MAX);
    batch.project.value = static_cast<uint32_t>(project);
    arrival_ms_ = batch.arrival_ms = reader_.SignedVarint();
    const uint8_t flags = reader_.Byte();
    Require((flags & ~kBatchFlags) == 0);
    batch.from_import = (flags & kFromImport) != 0;
    if ((flags & kHasPolicy) != 0) {
      const uint64_t policy = reader_.Varint();
      Require(policy > 0 && policy <= UINT32_MAX);
      batch.policy_version = static_cast<uint32_t>(policy);
    }
    TakeNames();
    const size_t events = reader_.Count();
    batch.events.reserve(std::min(events, kMostReserved));
    for (size_t i = 0; i < events && ok(); ++i) {
      TakeEvent(&batch.events.emplace_back());
    }
    const size_t updates = reader_.Count();
    batch.profile_updates.reserve(std::min(updates, kMostReserved));
    for (size_t i = 0; i < updates && ok(); ++i) {
      TakeUpdate(&batch.profile_updates.emplace_back());
    }
    batch.sealed = reader_.String();
    if (!ok() || !reader_.AtEnd()) {
      return Error{ErrorCode::kCorruption, "the batch is damaged"};
    }
    return batch;
  }

 private:
  [[nodiscard]] bool ok() const { return sound_ && reader_.ok(); }
  void Require(bool condition) { sound_ = sound_ && condition; }

  void TakeNames() {
    const size_t count = reader_.Count();
    names_.reserve(std::min(count, kMostReserved));
    for (size_t i = 0; i < count && ok(); ++i) {
      names_.push_back(reader_.String());
    }
  }
  std::string_view TakeName() {
    const uint64_t number = reader_.Varint();
    if (number >= names_.size()) {
      sound_ = false;
      return {};
    }
    return names_[number];
  }
  void TakeSubject(SubjectId* id) {
    id->bytes = reader_.Fixed<std::array<uint8_t, 16>>();
    Require(!id->IsNobody());
  }
  int64_t TakeTime() {
    return static_cast<int64_t>(static_cast<uint64_t>(reader_.SignedVarint()) +
                                static_cast<uint64_t>(arrival_ms_));
  }
  void TakeEvent(Event* event) {
    event->name = TakeName();
    event->time_ms = TakeTime();
    const uint8_t flags = reader_.Byte();
    Require((flags & ~kEventFlags) == 0);
    if ((flags & kHasPerson) != 0) {
      TakeSubject(&event->person);
    }
    if ((flags & kHasDevice) != 0) {
      TakeSubject(&event->device);
    }
    if ((flags & kDeviceIsPerson) != 0) {
      Require((flags & kHasPerson) != 0 && (flags & kHasDevice) == 0);
      event->device = event->person;
    }
    if ((flags & kHasInsertId) != 0) {
      event->insert_id = reader_.Fixed<uint64_t>();
      Require(event->insert_id != 0);
    }
    TakeObject(&event->properties, 0);
  }
  void TakeUpdate(ProfileUpdate* update) {
    const uint8_t flags = reader_.Byte();
    Require((flags & ~kUpdateFlags) == 0);
    update->ignore_time = (flags & kIgnoreTime) != 0;
    if ((flags & kHasPerson) != 0) {
      TakeSubject(&update->subject);
    }
    if ((flags & kIsGroup) != 0) {
      update->group_key = reader_.String();
      update->group_id = reader_.String();
    }
    const uint8_t op = reader_.Byte();
    Require(op >= static_cast<uint8_t>(ProfileOperator::kSet) &&
            op <= static_cast<uint8_t>(ProfileOperator::kDelete));
    update->op = static_cast<ProfileOperator>(op);
    update->time_ms = TakeTime();
    TakeObject(&update->properties, 0);
  }
  void TakeObject(ValueObject* object, int depth) {
    const size_t count = reader_.Count();
    object->reserve(std::min<size_t>(count, 256));
    for (size_t i = 0; i < count && ok(); ++i) {
      const std::string_view name = TakeName();
      object->emplace_back(name, TakeValue(depth));
    }
  }
  Value TakeValue(int depth) {
    const uint8_t tag = reader_.Byte();
    if (tag >= kShortString) {
      return Value(reader_.Raw(tag - kShortString));
    }
    switch (tag) {
      case kNull:
        return {};
      case kFalse:
        return Value(false);
      case kTrue:
        return Value(true);
      case kInteger:
        return TakeInteger();
      case kDouble: {
        const auto number = reader_.Fixed<double>();
        Require(std::isfinite(number) && !(IsExactInteger(number) && reader_.ok()));
        return Value(number);
      }
      case kString: {
        const std::string_view text = reader_.String();
        Require(text.size() >= 128);
        return Value(text);
      }
      case kList:
      case kObject:
        return TakeNested(tag, depth + 1);
      default:
        sound_ = false;
        return {};
    }
  }
  Value TakeInteger() {
    const int64_t number = reader_.SignedVarint();
    constexpr auto kLargest = static_cast<int64_t>(kLargestExactInteger);
    Require(number >= -kLargest && number <= kLargest);
    return Value(static_cast<double>(number));
  }
  Value TakeNested(uint8_t tag, int depth) {
    if (depth > kMaxBatchDepth) {
      sound_ = false;
      return {};
    }
    if (tag == kObject) {
      ValueObject object;
      TakeObject(&object, depth);
      return Value(std::move(object));
    }
    const size_t count = reader_.Count();
    ValueList list;
    list.reserve(std::min<size_t>(count, 256));
    for (size_t i = 0; i < count && ok(); ++i) {
      list.push_back(TakeValue(depth));
    }
    return Value(std::move(list));
  }

  ByteReader reader_;
  bool sound_ = true;
  int64_t arrival_ms_ = 0;
  std::vector<std::string_view> names_;
};

// --- Passing over ---

// Walks over a batch to its last part. Names are not resolved and values are not made.
class Skipper {
 public:
  explicit Skipper(std::string_view bytes) : reader_(bytes) {}

  Result<SealedPart> Run() {
    SealedPart part;
    if (reader_.Byte() != kVersion) {
      return Error{ErrorCode::kCorruption, "the batch has an unknown version"};
    }
    const uint64_t project = reader_.Varint();
    sound_ = project <= UINT32_MAX;
    part.project.value = static_cast<uint32_t>(project);
    reader_.SignedVarint();
    SkipAfterFlags(reader_.Byte());
    for (size_t names = reader_.Count(); names > 0 && ok(); --names) {
      reader_.String();
    }
    for (size_t events = reader_.Count(); events > 0 && ok(); --events) {
      SkipEvent();
    }
    for (size_t updates = reader_.Count(); updates > 0 && ok(); --updates) {
      SkipUpdate();
    }
    part.sealed = reader_.String();
    if (!ok() || !reader_.AtEnd()) {
      return Error{ErrorCode::kCorruption, "the batch is damaged"};
    }
    return part;
  }

 private:
  [[nodiscard]] bool ok() const { return sound_ && reader_.ok(); }

  void SkipAfterFlags(uint8_t flags) {
    sound_ = sound_ && (flags & ~kBatchFlags) == 0;
    if ((flags & kHasPolicy) != 0) {
      reader_.Varint();
    }
  }
  void SkipEvent() {
    reader_.Varint();
    reader_.SignedVarint();
    const uint8_t flags = reader_.Byte();
    reader_.Raw(((flags & kHasPerson) != 0 ? kSubjectBytes : 0) +
                ((flags & kHasDevice) != 0 ? kSubjectBytes : 0) +
                ((flags & kHasInsertId) != 0 ? sizeof(uint64_t) : 0));
    SkipObject(0);
  }
  void SkipUpdate() {
    const uint8_t flags = reader_.Byte();
    reader_.Raw((flags & kHasPerson) != 0 ? kSubjectBytes : 0);
    if ((flags & kIsGroup) != 0) {
      reader_.String();
      reader_.String();
    }
    reader_.Byte();
    reader_.SignedVarint();
    SkipObject(0);
  }
  void SkipObject(int depth) {
    for (size_t count = reader_.Count(); count > 0 && ok(); --count) {
      reader_.Varint();
      SkipValue(depth);
    }
  }
  void SkipValue(int depth) {
    const uint8_t tag = reader_.Byte();
    if (tag >= kShortString) {
      reader_.Raw(tag - kShortString);
      return;
    }
    switch (tag) {
      case kNull:
      case kFalse:
      case kTrue:
        return;
      case kInteger:
        reader_.SignedVarint();
        return;
      case kDouble:
        reader_.Raw(sizeof(double));
        return;
      case kString:
        reader_.String();
        return;
      case kList:
      case kObject:
        SkipNested(tag, depth + 1);
        return;
      default:
        sound_ = false;
    }
  }
  void SkipNested(uint8_t tag, int depth) {
    if (depth > kMaxBatchDepth) {
      sound_ = false;
    } else if (tag == kObject) {
      SkipObject(depth);
    } else {
      for (size_t count = reader_.Count(); count > 0 && ok(); --count) {
        SkipValue(depth);
      }
    }
  }

  static constexpr size_t kSubjectBytes = 16;
  ByteReader reader_;
  bool sound_ = true;
};

}  // namespace

void EncodeBatch(const Batch& batch, std::string* out) { Encoder(batch).Run(out); }

Result<Batch> DecodeBatch(std::string_view bytes) { return Decoder(bytes).Run(); }

Result<SealedPart> SealedPartOf(std::string_view bytes) { return Skipper(bytes).Run(); }

}  // namespace bulkhead
