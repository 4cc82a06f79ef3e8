#include "query/stored_events.h"

#include <optional>
#include <utility>

#include "store/person_scan.h"

namespace bulkhead {
namespace {

class EventCollector final : public RowVisitor {
 public:
  EventCollector(const ScanContext& scan, size_t most) : scan_(scan), most_(most) {}

  void Visit(const RowBlock& block) override {
    block.ForEach(0, [&](uint32_t row) {
      if (!error_) {
        Add(block.source, row);
      }
    });
  }

  Result<std::vector<Event>> Take() {
    return error_ ? Result<std::vector<Event>>(*error_) : std::move(events_);
  }

 private:
  void Add(uint32_t source, uint32_t row) {
    if (events_.size() == most_) {
      error_ = Error{ErrorCode::kLimit, "more events in that span than are read at once"};
      return;
    }
    Result<ValueObject> properties = scan_.AllProperties(source, row);
    const Result<uint64_t> insert_id = scan_.InsertId(source, row);
    if (!properties || !insert_id) {
      error_ = properties ? insert_id.error() : properties.error();
      return;
    }
    Event& event = events_.emplace_back();
    event.name = scan_.EventNames(source).String(scan_.Events(source)[row]);
    event.time_ms = scan_.Times(source)[row];
    event.person = scan_.PersonOf(source, row);
    event.device = scan_.SentAs(source, row);
    event.insert_id = *insert_id;
    event.properties = *std::move(properties);
  }

  const ScanContext& scan_;
  const size_t most_;
  std::vector<Event> events_;
  std::optional<Error> error_;
};

}  // namespace

Result<std::vector<Event>> ReadStoredEvents(const Snapshot& snapshot, int64_t from_ms,
                                            int64_t to_ms, size_t most) {
  ScanSpec spec;
  spec.filters.push_back({"", nullptr});
  spec.from_ms = from_ms;
  spec.to_ms = to_ms;
  const Result<std::unique_ptr<ScanContext>> scan = ScanContext::Prepare(snapshot, spec);
  if (!scan) {
    return scan.error();
  }
  EventCollector collector(**scan, most);
  RowVisitor* const visitors[] = {&collector};
  ScanRows(**scan, visitors);
  return collector.Take();
}

}  // namespace bulkhead
