#include "store/pending_rows.h"

#include <algorithm>

namespace bulkhead {
namespace {

struct SortKey {
  uint64_t prefix;
  int64_t time_ms;
  uint32_t row;
};

}  // namespace

uint32_t PendingRows::Add(const Event& event, const SubjectId& person) {
  const uint32_t row = rows();
  const std::string_view allowed = names_->AllowEvent(event.name) ? event.name : kOtherEvent;
  const uint32_t name = events_.InternString(allowed);
  if (name > shapes_.size()) {
    shapes_.resize(name);
  }
  rows_.push_back({.person = person,
                   .time_ms = event.time_ms,
                   .fingerprint = event.insert_id & kFingerprintMask,
                   .event = name,
                   .dead = false});
  if (person != event.person) {
    origin_cells_.push_back({row, origins_.InternString(event.person.ToHex())});
  }
  EventShape& shape = shapes_[name - 1];
  for (size_t i = 0; i < event.properties.size(); ++i) {
    const auto& [key, value] = event.properties[i];
    const uint32_t at = ColumnAt(&shape, i, key);
    if (at == kNoColumn) {
      continue;
    }
    Column& column = columns_[at];
    const uint32_t code = column.values.Intern(value);
    if (column.last_row_plus_1 == row + 1) {  // a name twice: the last one wins
      column.cells.back().code = code;
      continue;
    }
    column.cells.push_back({row, code});
    column.last_row_plus_1 = row + 1;
  }
  return row;
}

uint32_t PendingRows::ColumnAt(EventShape* shape, size_t place, const std::string& name) {
  if (place < shape->columns.size() && shape->columns[place] != kNoColumn &&
      columns_[shape->columns[place]].name == name) {
    return shape->columns[place];
  }
  uint32_t column = 0;
  if (const auto found = column_of_.find(name); found != column_of_.end()) {
    column = found->second;
  } else if (!names_->AllowProperty(name)) {
    return kNoColumn;
  } else {
    column = static_cast<uint32_t>(columns_.size());
    columns_.emplace_back().name = name;
    column_of_.emplace(name, column);
  }
  if (place >= shape->columns.size()) {
    shape->columns.resize(place + 1, kNoColumn);
  }
  shape->columns[place] = column;
  return column;
}

void PendingRows::Kill(uint32_t row) {
  dead_ += rows_[row].dead ? 0 : 1;
  rows_[row].dead = true;
}

bool PendingRows::IsSame(uint32_t row, const Event& event) const {
  const Row& stored = rows_[row];
  if (stored.dead || stored.time_ms != event.time_ms ||
      stored.fingerprint != (event.insert_id & kFingerprintMask) ||
      events_.InternedString(stored.event) != event.name) {
    return false;
  }
  const auto origin = std::lower_bound(origin_cells_.begin(), origin_cells_.end(), row,
                                       [](const Cell& c, uint32_t r) { return c.row < r; });
  if (origin == origin_cells_.end() || origin->row != row) {
    return stored.person == event.person;
  }
  return origins_.InternedString(origin->code) == event.person.ToHex();
}

bool PendingRows::HasProperties(uint32_t row, const ValueObject& properties) const {
  size_t present = 0;
  for (const Column& column : columns_) {
    const auto cell = std::lower_bound(column.cells.begin(), column.cells.end(), row,
                                       [](const Cell& c, uint32_t r) { return c.row < r; });
    if (cell == column.cells.end() || cell->row != row) {
      continue;
    }
    ++present;
    const Value* value = Find(properties, column.name);
    if (value == nullptr || !column.values.Is(cell->code, *value)) {
      return false;
    }
  }
  return present == properties.size();
}

void PendingRows::MoveLinked(const std::function<SubjectId(const SubjectId&)>& canonical) {
  std::vector<Cell> cells;
  for (uint32_t row = 0; row < rows() && !linked_.empty(); ++row) {
    SubjectId& person = rows_[row].person;
    if (linked_.contains(person)) {
      cells.push_back({row, origins_.InternString(person.ToHex())});
      person = canonical(person);
    }
  }
  if (cells.empty()) {
    return;
  }
  // A row that already has an origin was sent under yet another id: that one stays.
  std::vector<Cell> merged;
  std::merge(origin_cells_.begin(), origin_cells_.end(), cells.begin(), cells.end(),
             std::back_inserter(merged),
             [](const Cell& a, const Cell& b) { return a.row < b.row; });
  merged.erase(std::unique(merged.begin(), merged.end(),
                           [](const Cell& a, const Cell& b) { return a.row == b.row; }),
               merged.end());
  origin_cells_ = std::move(merged);
}

std::vector<uint32_t> PendingRows::SortedRows(std::vector<uint32_t>* place) const {
  std::vector<SortKey> keys;
  keys.reserve(rows_.size());
  for (uint32_t row = 0; row < rows(); ++row) {
    if (!rows_[row].dead) {
      keys.push_back({rows_[row].person.Prefix(), rows_[row].time_ms, row});
    }
  }
  std::sort(keys.begin(), keys.end(), [this](const SortKey& a, const SortKey& b) {
    if (a.prefix != b.prefix) {
      return a.prefix < b.prefix;
    }
    const SubjectId& x = rows_[a.row].person;
    const SubjectId& y = rows_[b.row].person;
    if (x != y) {
      return x < y;
    }
    return a.time_ms != b.time_ms ? a.time_ms < b.time_ms : a.row < b.row;
  });
  std::vector<uint32_t> order;
  order.reserve(keys.size());
  place->assign(rows_.size(), UINT32_MAX);
  for (const SortKey& key : keys) {
    (*place)[key.row] = static_cast<uint32_t>(order.size());
    order.push_back(key.row);
  }
  return order;
}

ColumnData PendingRows::SealCells(const ValueInterner& values, const std::vector<Cell>& cells,
                                  const std::vector<uint32_t>& place, uint32_t rows) {
  ColumnData column;
  if (cells.empty()) {
    return column;
  }
  std::vector<uint32_t> codes;
  column.dictionary = std::make_shared<const Dictionary>(values.Sort(&codes));
  CodeArray array = CodeArray::Zeros(rows, column.dictionary->size());
  array.Fill([&](auto* out) {
    for (const Cell& cell : cells) {
      if (place[cell.row] != UINT32_MAX) {
        out[place[cell.row]] = static_cast<std::decay_t<decltype(*out)>>(codes[cell.code]);
      }
    }
  });
  column.codes = std::make_shared<const CodeArray>(std::move(array));
  return column;
}

// All but the columns.
void PendingRows::SealRows(const std::vector<uint32_t>& order, SegmentData* data) const {
  std::vector<int64_t> times;
  times.reserve(order.size());
  data->fingerprints = FingerprintArray::Zeros(static_cast<uint32_t>(order.size()));
  for (const uint32_t at : order) {
    const Row& row = rows_[at];
    if (data->persons.empty() || row.person != data->persons.back()) {
      data->persons.push_back(row.person);
      data->starts.push_back(static_cast<uint32_t>(times.size()));
    }
    data->fingerprints.Set(static_cast<uint32_t>(times.size()), row.fingerprint);
    times.push_back(row.time_ms);
  }
  data->starts.push_back(static_cast<uint32_t>(order.size()));
  data->ranks = CodeArray::From(order);
  data->times = TimeArray::From(times);
  data->info.rows = static_cast<uint32_t>(order.size());
  data->info.persons = static_cast<uint32_t>(data->persons.size());
  if (!times.empty()) {
    const auto [least, most] = std::minmax_element(times.begin(), times.end());
    data->info.first_ms = *least;
    data->info.last_ms = *most;
  }
}

SegmentData PendingRows::Seal(const std::function<SubjectId(const SubjectId&)>& canonical) {
  MoveLinked(canonical);
  SegmentData data;
  std::vector<uint32_t> place;
  SealRows(SortedRows(&place), &data);
  const uint32_t live = data.info.rows;
  std::vector<Cell> names;
  names.reserve(rows_.size());
  for (uint32_t row = 0; row < rows(); ++row) {
    names.push_back({row, rows_[row].event});
  }
  data.columns.push_back(SealCells(events_, names, place, live));
  data.columns.push_back(SealCells(origins_, origin_cells_, place, live));
  std::vector<const Column*> by_name;
  for (const Column& column : columns_) {
    by_name.push_back(&column);
  }
  std::sort(by_name.begin(), by_name.end(),
            [](const Column* a, const Column* b) { return a->name < b->name; });
  for (const Column* column : by_name) {
    data.columns.push_back(SealCells(column->values, column->cells, place, live));
    data.columns.back().name = column->name;
  }
  *this = PendingRows(names_);
  return data;
}

}  // namespace bulkhead
