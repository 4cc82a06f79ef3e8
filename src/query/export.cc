#include "query/export.h"

#include <algorithm>
#include <optional>

namespace bulkhead {
namespace {

constexpr size_t kChunkBytes = 64UL * 1024;

class ExportVisitor final : public RowVisitor {
 public:
  ExportVisitor(const ScanContext& scan, const ExportRequest& request,
                const std::function<bool(std::string_view)>& sink)
      : scan_(scan), request_(request), sink_(sink) {
    for (uint32_t source = 0; source < scan.sources(); ++source) {
      wanted_.push_back(Wanted(source));
    }
  }

  void Visit(const RowBlock& block) override {
    if (done_) {
      return;
    }
    block.ForEach(0, [&](uint32_t row) {
      const uint32_t event = scan_.Events(block.source)[row];
      if (done_ || !wanted_[block.source][event]) {
        return;
      }
      Write(block.source, row, scan_.EventNames(block.source).String(event));
      ++rows_;
      done_ = done_ || (request_.limit > 0 && rows_ >= request_.limit);
      if (done_ || chunk_.size() >= kChunkBytes) {
        Flush();
      }
    });
  }

  Result<void> Finish() {
    if (error_) {
      return *error_;
    }
    Flush();
    return {};
  }

 private:
  // By code of the event's name.
  std::vector<char> Wanted(uint32_t source) const {
    const Dictionary& names = scan_.EventNames(source);
    std::vector<char> wanted(names.size() + 1, request_.events.empty() ? 1 : 0);
    for (const std::string& name : request_.events) {
      if (const uint32_t code = names.FindString(name); code != 0) {
        wanted[code] = 1;
      }
    }
    return wanted;
  }

  void Write(uint32_t source, uint32_t row, std::string_view event) {
    Result<ValueObject> properties = scan_.AllProperties(source, row);
    if (!properties) {
      error_ = properties.error();
      done_ = true;
      return;
    }
    const int64_t time_ms = scan_.Times(source)[row];
    const SubjectId person = scan_.PersonOf(source, row);
    chunk_ += R"({"event":)";
    AppendJsonString(event, &chunk_);
    chunk_ += R"(,"properties":{"time":)";
    chunk_ += std::to_string(request_.time_in_ms ? time_ms : time_ms / 1000);
    chunk_ += R"(,"distinct_id":")";
    chunk_ += person.IsNobody() ? std::string() : person.ToHex();
    chunk_ += '"';
    for (const auto& [name, value] : *properties) {
      chunk_ += ',';
      AppendJsonString(name, &chunk_);
      chunk_ += ':';
      AppendJson(value, &chunk_);
    }
    chunk_ += "}}\n";
  }

  void Flush() {
    if (!chunk_.empty() && !closed_ && !sink_(chunk_)) {
      closed_ = true;
      done_ = true;
    }
    chunk_.clear();
  }

  const ScanContext& scan_;
  const ExportRequest& request_;
  const std::function<bool(std::string_view)>& sink_;
  std::vector<std::vector<char>> wanted_;  // [source][code]
  std::string chunk_;
  size_t rows_ = 0;
  bool done_ = false;
  bool closed_ = false;  // the reader has gone
  std::optional<Error> error_;
};

}  // namespace

Result<void> RunExport(const ReportContext& context, const ExportRequest& request,
                       const std::function<bool(std::string_view)>& sink) {
  const Result<TimeZone> utc = TimeZone::Find("UTC");
  if (!utc) {
    return utc.error();
  }
  const Result<Buckets> range =
      Buckets::Make({request.from, request.to, "UTC"}, *utc, TimeUnit::kDay, 1);
  if (!range) {
    return range.error();
  }
  ScanSpec spec;
  spec.filters.push_back({"", request.where.get()});
  spec.from_ms = range->from_ms();
  spec.to_ms = range->to_ms();
  const Result<std::unique_ptr<ScanContext>> scan = ScanContext::Prepare(context.snapshot, spec);
  if (!scan) {
    return scan.error();
  }
  ExportVisitor visitor(**scan, request, sink);
  RowVisitor* const visitors[] = {&visitor};
  ScanRows(**scan, visitors);
  return visitor.Finish();
}

}  // namespace bulkhead
