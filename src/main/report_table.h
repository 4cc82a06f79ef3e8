// An answer of POST /api/v1/query as text for a terminal, or as CSV.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead {

// Rows of cells; the first row is the heading.
using Table = std::vector<std::vector<std::string>>;

// kInvalid where `json` is not an answer to `report` (insights, funnel, retention, people, ...).
Result<Table> TableOfAnswer(std::string_view report, std::string_view json);

// Columns aligned, numbers to the right.
std::string FormatTable(const Table& table);

// RFC 4180; a cell that a spreadsheet would take for a formula is quoted with a leading apostrophe.
std::string FormatCsv(const Table& table);

}  // namespace bulkhead
