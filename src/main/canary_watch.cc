#include "main/canary_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bulkhead {
namespace {

constexpr std::array<const char*, kCanaryVias> kViaNames = {"mail", "sign-in"};

}  // namespace

CanaryWatch::CanaryWatch(Parts parts) : parts_(std::move(parts)), sights_(parts_.file.opened()) {}

CanaryWatch::~CanaryWatch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

CanarySights* CanaryWatch::FindLocked(const std::string& vendor, uint32_t epoch) {
  const auto found = std::ranges::find_if(
      sights_, [&](const CanarySights& one) { return one.vendor == vendor && one.epoch == epoch; });
  return found == sights_.end() ? nullptr : &*found;
}

Result<void> CanaryWatch::Take(const std::string& vendor, uint32_t epoch, CanaryVia via,
                               const std::string& told_by) {
  const std::lock_guard lock(mutex_);
  CanarySights* sights = FindLocked(vendor, epoch);
  if (sights == nullptr) {
    sights = &sights_.emplace_back();
    sights->vendor = vendor;
    sights->epoch = epoch;
  }
  ++sights->seen;
  ++sights->unrecorded.at(static_cast<size_t>(via));
  sights->last_ms = parts_.clock->NowMs();
  sights->told_by = told_by;
  if (!sights->to_open) sights->first_via = via;
  sights->to_open = true;
  fresh_ = true;
  wake_.notify_all();
  return parts_.file.Write(sights_);
}

void CanaryWatch::AddTo(std::vector<VendorStatus>* vendors) const {
  const std::lock_guard lock(mutex_);
  for (VendorStatus& vendor : *vendors) {
    for (const CanarySights& one : sights_) {
      if (one.vendor != vendor.name) continue;
      vendor.canaries_seen += one.seen;
      if (one.last_ms >= vendor.canary_seen_ms) {
        vendor.canary_seen_ms = one.last_ms;
        vendor.canary_incident = one.incident;
      }
    }
  }
}

bool CanaryWatch::Note(const CanarySights& of, const std::function<void(CanarySights*)>& change) {
  const std::lock_guard lock(mutex_);
  change(FindLocked(of.vendor, of.epoch));
  const Result<void> written = parts_.file.Write(sights_);
  if (!written) Complain("a canary's sight is not noted", written.error());
  return written.has_value();
}

// Those that were told by now, in one entry for each way that they came.
bool CanaryWatch::RecordSights(const CanarySights& sights) {
  for (size_t via = 0; via < kCanaryVias; ++via) {
    const uint64_t count = sights.unrecorded.at(via);
    if (count == 0) continue;
    AuditEntry entry;
    entry.actor = sights.told_by;
    entry.action = "vendor.canary";
    entry.scope =
        fmt::format("vendor {}, epoch {}, {}", sights.vendor, sights.epoch, kViaNames.at(via));
    entry.count = count;
    entry.outcome = "seen";
    if (const Result<uint64_t> recorded = parts_.record(entry); !recorded) {
      Complain("a canary's sight is not in the audit log yet", recorded.error());
      return false;
    }
    if (!Note(sights, [via, count](CanarySights* one) { one->unrecorded.at(via) -= count; })) {
      return false;
    }
  }
  return true;
}

bool CanaryWatch::OpenIncident(const CanarySights& sights) {
  const Result<std::string> incident = parts_.incident(sights);
  if (!incident) {
    Complain("a canary was seen, and no incident can be opened yet", incident.error());
    return false;
  }
  return Note(sights, [&](CanarySights* one) {
    one->incident = *incident;
    // A sight that came meanwhile is looked at once more, for the incident may be closed by then.
    one->to_open = one->seen != sights.seen;
  });
}

bool CanaryWatch::Work() {
  std::vector<CanarySights> all;
  {
    const std::lock_guard lock(mutex_);
    all = sights_;
  }
  bool good = true;
  for (const CanarySights& one : all) {
    good = RecordSights(one) && (!one.to_open || OpenIncident(one)) && good;
  }
  if (good) complaint_.clear();
  return good;
}

// The same trouble is told once.
void CanaryWatch::Complain(const std::string& what, const Error& error) {
  const std::string complaint = fmt::format("{}: {}", what, error.message);
  if (complaint != complaint_ && parts_.log) parts_.log(complaint);
  complaint_ = complaint;
}

void CanaryWatch::Start() {
  thread_ = std::thread([this] { Run(); });
}

void CanaryWatch::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (!fresh_) {
      wake_.wait(lock);
      continue;
    }
    fresh_ = false;
    lock.unlock();
    const bool good = Work();
    lock.lock();
    if (!good) {
      wake_.wait_for(lock, parts_.pause, [this] { return stop_ || fresh_; });
      fresh_ = true;
    }
  }
}

}  // namespace bulkhead
