// Events as they arrive, unsorted, with growing dictionaries; Seal makes a segment's arrays of
// them. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/bit_mix.h"
#include "base/limits.h"
#include "model/event.h"
#include "store/dictionary_builder.h"
#include "store/segment_data.h"

namespace bulkhead {

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return HashBytes(text); }
};
template <typename V>
using TextMap = std::unordered_map<std::string, V, TextHash, std::equal_to<>>;

// The property and event names that a project has, up to its limits: past them new properties are
// left out and new events are called kOtherEvent, so that a public token cannot grow the store's
// tables without end.
inline constexpr std::string_view kOtherEvent = "$too_many_event_names";
class NameBook {
 public:
  bool AllowEvent(std::string_view name) { return Allow(name, limits::kMaxEventNames, &events_); }
  bool AllowProperty(std::string_view name) {
    return Allow(name, limits::kMaxPropertyColumns, &properties_);
  }

 private:
  static bool Allow(std::string_view name, size_t limit, TextMap<bool>* names) {
    if (names->contains(name)) return true;
    if (names->size() >= limit) return false;
    names->emplace(name, true);
    return true;
  }
  TextMap<bool> events_;
  TextMap<bool> properties_;
};

class PendingRows {
 public:
  explicit PendingRows(NameBook* names) : names_(names) {}

  // `person` is who the event counts as; where that is not event.person, the latter is kept as the
  // row's origin. Returns the row.
  uint32_t Add(const Event& event, const SubjectId& person);
  void Kill(uint32_t row);

  [[nodiscard]] uint32_t rows() const { return static_cast<uint32_t>(rows_.size()); }
  [[nodiscard]] uint32_t live_rows() const { return rows() - dead_; }

  // Whether the row is a live one of the same name, time, fingerprint and sent id.
  [[nodiscard]] bool IsSame(uint32_t row, const Event& event) const;
  [[nodiscard]] bool HasProperties(uint32_t row, const ValueObject& properties) const;

  // A device became a user's: Seal moves its rows.
  void NoteLinked(const SubjectId& device) { linked_.insert(device); }

  // The live rows, sorted; row number becomes rank. Leaves this empty. `canonical` tells who a
  // linked device counts as. `data.info` lacks seq_base, seq_span and links_applied.
  SegmentData Seal(const std::function<SubjectId(const SubjectId&)>& canonical);

 private:
  struct Row {
    SubjectId person;
    int64_t time_ms;
    uint64_t fingerprint;
    uint32_t event;
    bool dead;
  };
  struct Cell {
    uint32_t row;
    uint32_t code;
  };
  struct Column {
    std::string name;
    ValueInterner values;
    std::vector<Cell> cells;  // ascending rows
    uint32_t last_row_plus_1 = 0;
  };
  // Which columns the last event of that name had, in its order of properties: a good guess.
  struct EventShape {
    std::vector<uint32_t> columns;
  };

  static constexpr uint32_t kNoColumn = UINT32_MAX;
  uint32_t ColumnAt(EventShape* shape, size_t place, const std::string& name);
  std::vector<uint32_t> SortedRows(std::vector<uint32_t>* place) const;
  void MoveLinked(const std::function<SubjectId(const SubjectId&)>& canonical);
  void SealRows(const std::vector<uint32_t>& order, SegmentData* data) const;
  static ColumnData SealCells(const ValueInterner& values, const std::vector<Cell>& cells,
                              const std::vector<uint32_t>& place, uint32_t rows);

  NameBook* names_;
  std::vector<Row> rows_;
  uint32_t dead_ = 0;
  ValueInterner events_;
  std::vector<EventShape> shapes_;  // by event code - 1
  std::vector<Column> columns_;
  TextMap<uint32_t> column_of_;
  ValueInterner origins_;
  std::vector<Cell> origin_cells_;
  std::unordered_set<SubjectId, SubjectIdHash> linked_;
};

}  // namespace bulkhead
