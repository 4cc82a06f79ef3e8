#include "main/vendor_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_codec.h"
#include "base/compartment.h"
#include "incident/calendar.h"
#include "model/batch_codec.h"

namespace bulkhead {
namespace {

constexpr size_t kMostPageBytes = size_t{2} << 20;  // and one record more
constexpr size_t kMostPageRecords = 2000;
constexpr size_t kMostNameBytes = 200;   // of what stands in the audit log
constexpr int64_t kLastDay = 2'932'896;  // 9999-12-31

void NotePlacing(const PlacingIds& ids, Batch* batch) {
  for (Event& event : batch->events) {
    const SubjectId& placed_by = PlacingId(ids, event.person);
    event.device = placed_by == event.person ? SubjectId() : placed_by;
  }
}

Error NoPage() { return Error{ErrorCode::kInvalid, "not a page of the vendors' feed"}; }

}  // namespace

std::string EncodeFeedRequest(uint64_t position) {
  std::string bytes;
  ByteWriter(&bytes).Fixed(position);
  return bytes;
}

Result<uint64_t> DecodeFeedRequest(std::string_view bytes) {
  ByteReader in(bytes);
  const auto position = in.Fixed<uint64_t>();
  return in.ok() && in.AtEnd() ? Result<uint64_t>(position) : Result<uint64_t>(NoPage());
}

std::string EncodeBackfillRequest(const BackfillRequest& request) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.String(request.vendor);
  writer.Fixed(request.from_ms);
  writer.Fixed(request.to_ms);
  return bytes;
}

Result<BackfillRequest> DecodeBackfillRequest(std::string_view bytes) {
  ByteReader in(bytes);
  BackfillRequest request;
  request.vendor = in.String();
  request.from_ms = in.Fixed<int64_t>();
  request.to_ms = in.Fixed<int64_t>();
  return in.ok() && in.AtEnd() ? Result<BackfillRequest>(std::move(request))
                               : Result<BackfillRequest>(NoPage());
}

AuditEntry EntryOf(const BackfillRequest& request) {
  const auto day = [](int64_t time_ms) {
    return FormatDay(static_cast<int32_t>(std::clamp<int64_t>(time_ms / kDayMs, 0, kLastDay)));
  };
  AuditEntry entry;
  entry.actor = CompartmentName(Compartment::kEgress);
  entry.action = "core.backfill";
  entry.scope = fmt::format("vendor {}, {} to {}", request.vendor.substr(0, kMostNameBytes),
                            day(request.from_ms), day(request.to_ms));
  entry.outcome = "allowed";
  return entry;
}

std::string EncodeFeedPage(const VendorFeedPage& page) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Fixed(page.next_position);
  writer.Byte(page.more ? 1 : 0);
  writer.Byte(page.gap ? 1 : 0);
  writer.Varint(page.entries.size());
  for (const VendorFeedEntry& entry : page.entries) {
    writer.String(entry.vendor);
    writer.Fixed(entry.log_position);
    std::string batch;
    EncodeBatch(entry.filtered, &batch);
    writer.String(batch);
    writer.Varint(entry.sent_as.size());
    for (const SubjectId& device : entry.sent_as) {
      writer.Fixed(device.bytes);
    }
  }
  return bytes;
}

Result<VendorFeedPage> DecodeFeedPage(std::string_view bytes) {
  ByteReader in(bytes);
  VendorFeedPage page;
  page.next_position = in.Fixed<uint64_t>();
  page.more = in.Byte() != 0;
  page.gap = in.Byte() != 0;
  const size_t count = in.Count();
  for (size_t i = 0; i < count && in.ok(); ++i) {
    VendorFeedEntry entry;
    entry.vendor = in.String();
    entry.log_position = in.Fixed<uint64_t>();
    Result<Batch> batch = DecodeBatch(in.String());
    if (!batch) {
      return NoPage();
    }
    entry.filtered = *std::move(batch);
    const size_t devices = in.Count();
    if (devices != 0 && devices != entry.filtered.events.size()) {
      return NoPage();
    }
    for (size_t device = 0; device < devices && in.ok(); ++device) {
      entry.sent_as.push_back({in.Fixed<std::array<uint8_t, 16>>()});
    }
    page.entries.push_back(std::move(entry));
  }
  return in.ok() && in.AtEnd() ? Result<VendorFeedPage>(std::move(page))
                               : Result<VendorFeedPage>(NoPage());
}

VendorFeed::VendorFeed(Parts parts)
    : parts_(std::move(parts)), policy_(parts_.fs, parts_.policy_versions_dir) {}

// Whether the log had been trimmed behind the position.
Result<bool> VendorFeed::GoTo(uint64_t position) {
  if (log_ && log_->position() == position) {
    return false;
  }
  const auto open = [this](uint64_t from) {
    return LogFollower::Open(*parts_.fs, parts_.log_dir, *parts_.log_keys, from,
                             parts_.durable_end);
  };
  Result<LogFollower> log = open(position);
  const bool gap = !log && log.error().code == ErrorCode::kNotFound;
  if (gap) {
    log = open(0);
  }
  if (!log) {
    return log.error();
  }
  log_ = *std::move(log);
  return gap;
}

Result<VendorFeedPage> VendorFeed::Page(uint64_t position) {
  const std::lock_guard lock(mutex_);
  VendorFeedPage page;
  page.next_position = position;
  const uint64_t end = parts_.durable_end();
  if (end == 0) {
    return Error{ErrorCode::kUnavailable, "how far the log reaches is not known yet"};
  }
  if (position == 0 || position >= end) {
    page.next_position = position == 0 ? end : position;
    return page;
  }
  if (Result<bool> looked = policy_.Look(); !looked) {
    return looked.error();
  }
  const Result<bool> gap = GoTo(position);
  if (!gap) {
    return gap.error();
  }
  page.gap = *gap;
  size_t bytes = 0;
  for (size_t records = 0; records < kMostPageRecords && bytes < kMostPageBytes; ++records) {
    const Result<std::optional<LogRecord>> record = log_->Next();
    if (!record) {
      log_.reset();
      return record.error();
    }
    if (!*record) {
      page.next_position = std::max(page.next_position, log_->position());
      return page;
    }
    if (Result<void> added = AddRecord(**record, &page, &bytes); !added) {
      log_.reset();
      return added.error();
    }
    page.next_position = (*record)->next_position;
  }
  page.more = true;
  return page;
}

Result<VendorFeedPage> VendorFeed::Backfill(const BackfillRequest& request) {
  VendorPolicy policy;
  {
    const std::lock_guard lock(mutex_);
    if (Result<bool> looked = policy_.Look(); !looked) {
      return looked.error();
    }
    const auto found = policy_.policy().vendors.find(request.vendor);
    if (found == policy_.policy().vendors.end()) {
      return Error{ErrorCode::kNotFound, "the policy in force names no vendor of that name"};
    }
    policy = found->second;
  }
  Result<std::vector<Event>> events = parts_.stored(policy.project, request.from_ms, request.to_ms);
  if (!events) {
    return events.error();
  }
  Batch batch;
  batch.project = policy.project;
  batch.events = *std::move(events);
  std::ranges::stable_sort(batch.events, {}, &Event::time_ms);
  VendorFeedPage page;
  const PlacingIds ids = parts_.place(batch);
  VendorFeedEntry entry{request.vendor, 0, FilterBatch(policy, batch, ids)};
  for (Event& event : entry.filtered.events) {
    entry.sent_as.push_back(event.device);
  }
  NotePlacing(ids, &entry.filtered);
  if (!entry.filtered.events.empty()) {
    page.entries.push_back(std::move(entry));
  }
  return page;
}

Result<void> VendorFeed::AddRecord(const LogRecord& record, VendorFeedPage* page, size_t* bytes) {
  Result<Batch> batch = DecodeBatch(record.payload);
  if (!batch) {
    return batch.error();
  }
  parts_.join(&*batch);
  const PlacingIds ids = parts_.place(*batch);
  for (const auto& [name, policy] : policy_.policy().vendors) {
    Batch filtered = FilterBatch(policy, *batch, ids);
    NotePlacing(ids, &filtered);
    if (filtered.events.empty() && filtered.profile_updates.empty()) {
      continue;
    }
    page->entries.push_back({name, record.position, std::move(filtered)});
    *bytes += record.payload.size();
  }
  return {};
}

}  // namespace bulkhead
