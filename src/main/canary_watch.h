// What follows when a canary is seen: the sight is kept at once and answered; behind that it goes
// to the audit log and has an incident opened for its vendor and epoch. Whatever of it fails is
// tried again until it is done, over restarts too. After a crash between an entry and the note that
// it is written the audit log may tell of a sight twice, never of none.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/audit_entry.h"
#include "base/clock.h"
#include "base/result.h"
#include "egress/canary_sights.h"
#include "egress/vendor_sender.h"

namespace bulkhead {

// Thread-safe.
class CanaryWatch {
 public:
  struct Parts {
    CanarySightsFile file;
    const Clock* clock = nullptr;
    std::function<Result<uint64_t>(const AuditEntry&)> record;
    // The incident that is open for such sights, or was closed a short time ago, else a new one.
    std::function<Result<std::string>(const CanarySights&)> incident;
    std::function<void(const std::string&)> log;
    std::chrono::milliseconds pause{5000};  // after a failure
  };
  explicit CanaryWatch(Parts parts);
  ~CanaryWatch();
  CanaryWatch(const CanaryWatch&) = delete;
  CanaryWatch& operator=(const CanaryWatch&) = delete;

  // Durable when it returns. An error: it could not be kept; the incident is opened all the same,
  // unless the process ends before.
  Result<void> Take(const std::string& vendor, uint32_t epoch, CanaryVia via,
                    const std::string& told_by);
  // What was seen of each vendor's canaries, in any epoch.
  void AddTo(std::vector<VendorStatus>* vendors) const;

  // Does what is left to do; false: some of it failed. For the thread of Start and for tests.
  bool Work();
  void Start();

 private:
  bool RecordSights(const CanarySights& sights);
  bool OpenIncident(const CanarySights& sights);
  // Changes one under the lock, and keeps it.
  bool Note(const CanarySights& of, const std::function<void(CanarySights*)>& change);
  CanarySights* FindLocked(const std::string& vendor, uint32_t epoch);
  void Complain(const std::string& what, const Error& error);
  void Run();

  const Parts parts_;
  std::string complaint_;  // the last; of the working thread

  mutable std::mutex mutex_;  // of all below
  std::vector<CanarySights> sights_;
  std::condition_variable wake_;
  bool fresh_ = true;  // there may be something to do
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace bulkhead
