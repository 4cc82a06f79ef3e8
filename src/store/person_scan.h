// The one face of the store for kernels. Prepare a ScanContext from a snapshot and a ScanSpec, then
// either ScanPersons (every person's matching events in order) or ScanRows (matching rows as bit
// maps over plain arrays, in the order of storage).
//
//   Result<std::unique_ptr<ScanContext>> context = ScanContext::Prepare(store.snapshot(), spec);
//   std::vector<MyVisitor> workers(threads);      // MyVisitor : PersonVisitor
//   ScanPersons(*context, pointers to workers);   // then combine the workers
//
// A "source" is one segment of the snapshot, on disk or in memory. Codes belong to (property,
// source): group by code, translate with DictionaryOf at the end.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/ids.h"
#include "model/value.h"
#include "store/column_view.h"
#include "store/dictionary.h"
#include "store/snapshot.h"

namespace bulkhead {

struct Expression;

struct EventFilter {
  std::string event;                  // empty = any
  const Expression* where = nullptr;  // null = all; over event properties, user profile and fields
};

inline constexpr size_t kMaxScanFilters = 64;

struct ScanSpec {
  std::vector<EventFilter> filters;  // 1..kMaxScanFilters
  int64_t from_ms = INT64_MIN;       // half open: from <= time < to
  int64_t to_ms = INT64_MAX;
  std::vector<std::string> properties;  // columns that the kernel will read, by index
  // False: ScanPersons also visits the events of nobody, as the person SubjectId{}, in one call.
  // ScanRows always includes them.
  bool people = true;
};

struct Hit {
  int64_t time_ms;
  uint64_t mask;  // bit i = filters[i] holds; never 0
  uint64_t seq;   // order of arrival among equal times; unique per event of a person
  uint32_t source;
  uint32_t row;  // in the source
};

// Valid during Visit only.
struct PersonHits {
  SubjectId person;           // canonical
  std::span<const Hit> hits;  // by (time, seq); never empty
};

class PersonVisitor {
 public:
  virtual ~PersonVisitor() = default;
  virtual void Visit(const PersonHits& person) = 0;
};

// Some rows of one source and which of them each filter selects.
class RowBlock {
 public:
  uint32_t source = 0;
  uint32_t first_row = 0;
  uint32_t rows = 0;  // at most kRowBlockRows

  // Bit i % 64 of word i / 64 = row first_row + i is alive, in the time range and passes the
  // filter. Bits past `rows` are 0.
  [[nodiscard]] std::span<const uint64_t> Selected(size_t filter) const {
    return {words_ + filter * words_per_filter_, words_per_filter_};
  }
  // Calls f(row) for every selected row, row being the index into the source's views.
  template <typename F>
  void ForEach(size_t filter, F&& f) const {
    uint32_t base = first_row;
    for (uint64_t word : Selected(filter)) {
      while (word != 0) {
        f(base + static_cast<uint32_t>(__builtin_ctzll(word)));
        word &= word - 1;
      }
      base += 64;
    }
  }

 private:
  friend class RowScan;
  const uint64_t* words_ = nullptr;
  size_t words_per_filter_ = 0;
};
inline constexpr uint32_t kRowBlockRows = 16384;

class RowVisitor {
 public:
  virtual ~RowVisitor() = default;
  virtual void Visit(const RowBlock& block) = 0;
};

// A scan's decoded columns and compiled filters. Immutable after Prepare; shared by all threads.
// The expressions of the spec must outlive it.
class ScanContext {
 public:
  static Result<std::unique_ptr<ScanContext>> Prepare(Snapshot snapshot, ScanSpec spec);
  ~ScanContext();
  ScanContext(const ScanContext&) = delete;
  ScanContext& operator=(const ScanContext&) = delete;

  [[nodiscard]] const ScanSpec& spec() const;
  [[nodiscard]] const Snapshot& snapshot() const;
  [[nodiscard]] size_t sources() const;
  [[nodiscard]] uint32_t SourceRows(uint32_t source) const;
  [[nodiscard]] size_t tasks() const;  // into how many parts this much data is dealt; at least 1

  // Plain arrays, index = row of the source. `property` indexes spec().properties.
  [[nodiscard]] const CodeView& Events(uint32_t source) const { return views_[source].events; }
  [[nodiscard]] const TimeView& Times(uint32_t source) const { return views_[source].times; }
  [[nodiscard]] const CodeView& Codes(size_t property, uint32_t source) const {
    return views_[source].codes[property];
  }
  [[nodiscard]] const Dictionary& EventNames(uint32_t source) const {  // all strings
    return *views_[source].names;
  }
  [[nodiscard]] const Dictionary& DictionaryOf(size_t property, uint32_t source) const {
    return *views_[source].dictionaries[property];
  }

  [[nodiscard]] uint32_t Code(size_t property, const Hit& hit) const {
    return Codes(property, hit.source)[hit.row];
  }
  [[nodiscard]] std::string_view EventName(const Hit& hit) const {
    return EventNames(hit.source).String(Events(hit.source)[hit.row]);
  }
  [[nodiscard]] const ValueObject* Profile(const SubjectId& person) const;

  // All properties of a row, in the order of their names: for exports and activity feeds. Loads the
  // columns that spec().properties left out; slow on the first row of each source.
  [[nodiscard]] Result<ValueObject> AllProperties(uint32_t source, uint32_t row) const;
  // The kept bits of the row's insert id; 0: none was sent. Loads them for the whole source.
  [[nodiscard]] Result<uint64_t> InsertId(uint32_t source, uint32_t row) const;
  // The device id that the event was sent under, where a link moved it to another person since;
  // else SubjectId{}.
  [[nodiscard]] SubjectId SentAs(uint32_t source, uint32_t row) const;
  // The canonical person of a row: a binary search.
  [[nodiscard]] SubjectId PersonOf(uint32_t source, uint32_t row) const;

  struct Impl;
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  struct Views {
    CodeView events;
    TimeView times;
    const Dictionary* names = nullptr;
    std::vector<CodeView> codes;
    std::vector<const Dictionary*> dictionaries;
  };
  explicit ScanContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;  // owns what the views show
  std::vector<Views> views_;
};

// Visits every person with at least one hit exactly once. Ranges of person ids are dealt out to the
// visitors, each on one thread of its own, which sees ids ascending. Returns when all are done.
void ScanPersons(const ScanContext& context, std::span<PersonVisitor* const> visitors);

// Visits one person (canonical or a device linked to it), if it has hits.
void ScanPerson(const ScanContext& context, const SubjectId& person, PersonVisitor& visitor);

// Visits every block that has a selected row, in no order. Each visitor is on one thread of its
// own.
void ScanRows(const ScanContext& context, std::span<RowVisitor* const> visitors);

}  // namespace bulkhead
