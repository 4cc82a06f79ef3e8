// The door for events and profiles: bytes of an SDK in, one durable batch out, then the answer the
// SDK expects. Everything personal is resolved here and nothing raw is kept: ids become pseudonyms,
// IP and user agent become coarse place and browser, the sieve looks at every value, what policy
// seals goes to the vault's public key. docs/ingestion.md says what is accepted, answered and
// refused.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/ids.h"

namespace bulkhead {

class FailedLogins;
class LogWriter;
class PolicyHolder;
class Sieve;
class SieveCounters;
struct IntakeKeys;

// One request as the listener read it. The views must live until Accept returns (not until `done`).
struct IngestRequest {
  enum Endpoint { kTrack, kImport, kEngage, kGroups };
  Endpoint endpoint = kTrack;
  std::string_view method;  // "GET" or "POST"
  std::string_view query;   // raw, without '?'
  std::string_view content_type;
  std::string_view content_encoding;  // "", "identity" or "gzip"
  std::string_view body;
  std::string_view authorization;  // the whole header
  std::string_view host;           // the Host header; `redirect` may only lead there or to `origin`
  std::string client_ip;           // used for place, then dropped
  std::string user_agent;          // used for the browser's family, then dropped
  std::string origin;
  bool do_not_track = false;            // DNT: 1
  bool global_privacy_control = false;  // Sec-GPC: 1
};

struct IngestResponse {
  int status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Who a token or credential belongs to. A seam: access/ is a sibling room, main/ joins them.
// Thread-safe.
class ProjectLookup {
 public:
  virtual ~ProjectLookup() = default;
  // The public, write-only token of a project.
  [[nodiscard]] virtual std::optional<ProjectId> FindByToken(std::string_view token) const = 0;
  // A service account's user name and secret. `project` is the project the request names, or none;
  // where it is none and the account has exactly one project, that one. kDenied: refused. kLimit:
  // too many failures for this name, so that even the right secret is not looked at now.
  [[nodiscard]] virtual Result<ProjectId> FindByServiceAccount(
      std::string_view username, std::string_view secret,
      std::optional<ProjectId> project) const = 0;
};

// All must outlive the Intake.
struct IntakeOptions {
  LogWriter* log = nullptr;
  const Sieve* sieve = nullptr;
  SieveCounters* counters = nullptr;
  const IntakeKeys* keys = nullptr;
  const Clock* clock = nullptr;
  const ProjectLookup* projects = nullptr;
  FailedLogins* logins = nullptr;        // shared with the query paths
  const PolicyHolder* policy = nullptr;  // null: the defaults, for good
};

// Thread-safe.
class Intake {
 public:
  static Result<std::unique_ptr<Intake>> Create(const IntakeOptions& options);
  ~Intake();
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  // `done` is called exactly once: on this thread for refusals and empty batches, else on the log's
  // thread after the batch is durable. A 200 means durable.
  void Accept(const IngestRequest& request, std::function<void(IngestResponse)> done);

  // The pseudonym of a raw id as SDKs and query parameters spell it: "$device:<id>" for devices,
  // else the user id. Empty text is nobody.
  [[nodiscard]] SubjectId Pseudonymise(std::string_view raw_id) const;

 private:
  class Impl;
  explicit Intake(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
