// Walks one source's persons in order and finds the hits of each. Two kinds: over the persons as
// they lie, without those that were moved, and over the moved ones in the order of their users.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "store/person_range.h"
#include "store/scan_plan.h"

namespace bulkhead {

// Which of a source's rows are hits; what needs the person (RowTest) is left to the caller.
class HitFinder {
 public:
  HitFinder(const ScanContext::Impl& context, uint32_t source);
  // The hits among rows begin..end; valid until the next call.
  std::span<const Hit> Find(uint32_t begin, uint32_t end);

 private:
  template <typename Codes, typename Times>
  Hit* FindIn(const Codes& codes, const Times& times, uint32_t begin, uint32_t end);
  [[nodiscard]] uint64_t Narrow(uint32_t row, int64_t time_ms, uint64_t mask) const;

  const ScanSpec& spec_;
  const SourcePlan& plan_;
  const uint32_t source_;
  const uint64_t seq_base_;
  const bool plain_;  // the event's name alone decides
  std::vector<uint64_t> words_;
  std::unique_ptr<Hit[]> hits_;
  size_t capacity_ = 0;
};

class HitCursor {
 public:
  enum class Kind : uint8_t { kInPlace = 1, kMoved };
  HitCursor(const ScanContext::Impl& context, uint32_t source, Kind kind, const PersonRange& range);

  // To the next run with hits; false at the end. kMoved may give several runs of one person.
  bool Next();
  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const SubjectId& person() const { return person_; }
  [[nodiscard]] uint64_t prefix() const { return prefix_; }
  [[nodiscard]] std::span<const Hit> hits() const { return hits_.subspan(begin_, end_ - begin_); }

 private:
  bool NextInPlace();
  bool NextMoved();
  bool FillChunk();
  [[nodiscard]] bool WasMoved(uint32_t person);
  void SetPerson(const SubjectId& id) {
    person_ = id;
    prefix_ = id.Prefix();
  }

  const SourcePlan& plan_;
  const Kind kind_;
  HitFinder finder_;
  uint32_t next_person_ = 0;  // the first that is not in the chunk yet
  uint32_t end_person_ = 0;
  uint32_t at_person_ = 0;
  std::span<const uint32_t> moved_;  // ordinals still ahead
  std::span<const MovedRun> runs_;
  std::span<const Hit> hits_;  // of the chunk
  size_t begin_ = 0;
  size_t end_ = 0;
  SubjectId person_;
  uint64_t prefix_ = 0;
};

}  // namespace bulkhead
