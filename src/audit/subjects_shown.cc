#include "audit/subjects_shown.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace bulkhead {
namespace {

constexpr size_t kMostEntries = 2000;
constexpr std::string_view kAllowed = "allowed";
// Where persons are shown, an entry without a set says in its scope who they are.
constexpr std::array<std::string_view, 3> kShowWithoutSet = {"engage", "export", "query people"};
// What has a set and shows nobody to the actor: an erasure, and what is yet to come or to go.
constexpr std::array<std::string_view, 3> kShowNobody = {kEraseAction, "export.ask", "export.veto"};

bool Has(const auto& list, std::string_view one) {
  return std::ranges::find(list, one) != list.end();
}

bool Asks(const ShownQuery& query, const AuditEntry& entry) {
  if (query.entry) return true;
  return query.approval.empty() ? entry.actor == query.actor : entry.approval == query.approval;
}

bool Shows(const AuditRecord& record) {
  const AuditEntry& entry = record.entry;
  return entry.outcome == kAllowed && !Has(kShowNobody, entry.action) &&
         (record.set || Has(kShowWithoutSet, entry.action));
}

class Pager {
 public:
  Pager(const AuditLog& log, const ShownQuery& query, const ShownPlace& from, size_t most)
      : log_(log), query_(query), from_(from), room_(most) {}

  // False: the page is full.
  Result<bool> Take(uint64_t index, std::string_view bytes) {
    const std::string& word = query_.approval.empty() ? query_.actor : query_.approval;
    // A quick test first: most entries are others'.
    if (!query_.entry && bytes.find(word) == std::string_view::npos &&
        word.find_first_of("\"\\") == std::string::npos) {
      return true;
    }
    std::optional<AuditRecord> record = ReadAuditRecord(bytes);
    if (!record) {
      return Error{ErrorCode::kCorruption, "an entry of the audit log is damaged"};
    }
    if (!Asks(query_, record->entry)) return true;
    page_.known = true;
    if (!Shows(*record)) return true;
    if (room_ == 0 || page_.entries.size() == kMostEntries) {
      page_.next = ShownPlace{index, 0};
      return false;
    }
    return Add(*std::move(record));
  }

  ShownPage TakePage() { return std::move(page_); }

 private:
  Result<bool> Add(AuditRecord record) {
    ShownEntry& one = page_.entries.emplace_back();
    one.index = record.index;
    one.ts_ms = record.ts_ms;
    one.action = std::move(record.entry.action);
    one.scope = std::move(record.entry.scope);
    one.project = record.entry.project;
    one.fields = std::move(record.entry.fields);
    if (!record.set) {
      one.set = ShownSet::kInScope;
      return true;
    }
    const Result<std::vector<SubjectHandle>> handles = log_.SetOf(record);
    if (!handles) {
      one.set = ShownSet::kThrownAway;
      return handles.error().code == ErrorCode::kNotFound ? Result<bool>(true) : handles.error();
    }
    const uint64_t skip = record.index == from_.entry ? from_.skip : 0;
    const uint64_t begin = std::min<uint64_t>(skip, handles->size());
    const uint64_t count = std::min<uint64_t>(room_, handles->size() - begin);
    SubjectHandles::Resolved resolved = log_.Resolve(std::span(*handles).subspan(begin, count));
    one.subjects = std::move(resolved.subjects);
    one.forgotten = resolved.forgotten;
    room_ -= count;
    if (begin + count < handles->size()) {
      page_.next = ShownPlace{record.index, begin + count};
      return false;
    }
    return true;
  }

  const AuditLog& log_;
  const ShownQuery& query_;
  const ShownPlace from_;
  uint64_t room_;
  ShownPage page_;
};

// Whether the actor has any entry, whatever it is and whenever it was.
Result<bool> IsKnown(AuditReader* reader, const ShownQuery& query) {
  bool known = false;
  const Result<void> read =
      reader->ForEach(0, reader->size(), [&](uint64_t, std::string_view bytes) -> Result<bool> {
        const std::optional<AuditRecord> record = ReadAuditRecord(bytes);
        known = record && Asks(query, record->entry);
        return !known;
      });
  return read ? Result<bool>(known) : read.error();
}

}  // namespace

Result<ShownPage> ListShown(const AuditLog& log, const ShownQuery& query, const ShownPlace& from,
                            size_t most_subjects) {
  Result<AuditReader> reader = log.Read();
  if (!reader) {
    return reader.error();
  }
  uint64_t begin = from.entry;
  uint64_t end = reader->size();
  if (query.entry) {
    begin = *query.entry;
    end = std::min<uint64_t>(end, begin < UINT64_MAX ? begin + 1 : begin);
  } else if (query.approval.empty()) {
    const Result<uint64_t> first = reader->FirstAtOrAfter(query.from_ms);
    const Result<uint64_t> last = first ? reader->FirstAtOrAfter(query.to_ms) : first;
    if (!last) {
      return last.error();
    }
    begin = std::max(begin, *first);
    end = *last;
  }
  Pager pager(log, query, from, most_subjects);
  if (begin < end) {
    const Result<void> read = reader->ForEach(
        begin, end,
        [&](uint64_t index, std::string_view bytes) { return pager.Take(index, bytes); });
    if (!read) {
      return read.error();
    }
  }
  ShownPage page = pager.TakePage();
  if (!page.known && !query.entry && query.approval.empty()) {
    const Result<bool> known = IsKnown(&*reader, query);
    if (!known) {
      return known.error();
    }
    page.known = *known;
  }
  return page;
}

}  // namespace bulkhead
