// Whom an account was shown, entry by entry, in pages: for an incident of its own. Erased subjects
// are counted and named nowhere.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/audit_log.h"
#include "base/result.h"
#include "model/ids.h"

namespace bulkhead {

// One of three: what an actor was shown in a time, what a bulk export gave, one entry.
struct ShownQuery {
  std::string actor;
  int64_t from_ms = 0, to_ms = 0;  // from <= time < to
  std::string approval;            // the bulk export's id
  std::optional<uint64_t> entry;
};

// Where a page begins: at this entry, behind so many of its subjects.
struct ShownPlace {
  uint64_t entry = 0;
  uint64_t skip = 0;
  friend auto operator<=>(const ShownPlace&, const ShownPlace&) = default;
};

enum class ShownSet : uint8_t {
  kNamed = 1,  // the subjects are these
  kInScope,    // the entry names nobody: its scope says who it was
  kThrownAway  // they cannot be told any more
};

struct ShownEntry {
  uint64_t index = 0;
  int64_t ts_ms = 0;
  std::string action;
  std::string scope;
  uint32_t project = 0;
  std::vector<std::string> fields;
  ShownSet set = ShownSet::kNamed;
  std::vector<SubjectId> subjects;  // of this page
  uint64_t forgotten = 0;           // erased since, of this page
};

struct ShownPage {
  std::vector<ShownEntry> entries;
  std::optional<ShownPlace> next;
  // Whether the log has anything of that actor, export or number at all; of a first page.
  bool known = false;
};

// At most `most_subjects` and 2000 entries. Only what was allowed and shows persons.
Result<ShownPage> ListShown(const AuditLog& log, const ShownQuery& query, const ShownPlace& from,
                            size_t most_subjects);

}  // namespace bulkhead
