// What the store held at one moment: immutable, shared, thread-safe. Copying copies a pointer.
// Files and memory that it needs live until the last copy is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/value.h"

namespace bulkhead {

struct SnapshotState;

struct NameCount {
  std::string name;
  uint64_t rows = 0;
};

class Snapshot {
 public:
  explicit Snapshot(std::shared_ptr<const SnapshotState> state) : state_(std::move(state)) {}

  // Everything applied from log records before this position is in here.
  [[nodiscard]] uint64_t position() const;
  [[nodiscard]] uint64_t rows() const;  // live events
  // Earliest and latest event time; nullopt when empty. Erased rows may still widen the range.
  struct TimeRange {
    int64_t first_ms;
    int64_t last_ms;
  };
  [[nodiscard]] std::optional<TimeRange> time_range() const;

  // Names in byte order. Row counts include rows that a merge has yet to drop; they are for
  // ordering suggestions, not for reports.
  [[nodiscard]] std::vector<NameCount> EventNames() const;
  [[nodiscard]] std::vector<NameCount> PropertyNames() const;
  // Properties seen on events of that name, from the segments' columns: reads every row once.
  [[nodiscard]] std::vector<NameCount> PropertyNamesOf(std::string_view event) const;

  // The id that a device or user counts as: the user a device is linked to, else the id itself.
  [[nodiscard]] SubjectId Canonical(SubjectId id) const;
  [[nodiscard]] std::vector<SubjectId> LinkedDevices(SubjectId user) const;
  // The one that was linked to the user before all others.
  [[nodiscard]] std::optional<SubjectId> FirstDevice(SubjectId user) const;

  // nullptr = no profile. Pointers live as long as the snapshot. Names of properties are those sent
  // ("$last_seen" is set by updates, as text "YYYY-MM-DDTHH:MM:SS").
  [[nodiscard]] const ValueObject* Profile(SubjectId person) const;
  [[nodiscard]] const ValueObject* GroupProfile(std::string_view key, std::string_view id) const;
  [[nodiscard]] size_t profiles() const;
  // In ascending order of id.
  void ForEachProfile(const std::function<void(const SubjectId&, const ValueObject&)>& visit) const;
  void ForEachGroupProfile(
      std::string_view key,
      const std::function<void(std::string_view id, const ValueObject&)>& visit) const;

  [[nodiscard]] const SnapshotState& state() const { return *state_; }
  [[nodiscard]] const std::shared_ptr<const SnapshotState>& shared_state() const { return state_; }

 private:
  std::shared_ptr<const SnapshotState> state_;
};

}  // namespace bulkhead
