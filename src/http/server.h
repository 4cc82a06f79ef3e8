// The listener: HTTP/1.1 (keep-alive, pipelining) and TLS over Boost.Asio, the ingest paths of
// Mixpanel's SDKs and the query paths. It translates and holds no rules: intake decides about
// events, query about answers, access about callers.
//
// Everything a client sends is bounded before memory is spent (base/limits.h), slow clients are cut
// off, and no answer holds a stack or a path. The access log names method, route pattern, status
// and duration, never a target: query strings carry data.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "channel/descriptor.h"
#include "crypto/crypto.h"
#include "incident/notice_statement.h"
#include "model/ids.h"

namespace bulkhead {

class FailedLogins;
class Intake;
class PersonRequests;
class ProjectLookup;
class QueryEngine;
class SavedFunnels;

struct AccessLine {
  std::string_view method;  // "GET", "POST", ... or "-" where the request could not be read
  std::string_view route;   // the route's pattern, such as "/flags/{id}/first-time-events", or "-"
  int status = 0;
  int64_t duration_us = 0;
};

struct ServerOptions {
  std::string listen = "127.0.0.1:8787";  // ADDR:PORT or [ADDR]:PORT; port 0 takes a free one
  // A socket that is bound to `listen` and listening already, whose owner keeps it open; -1: made
  // here.
  int inherited_socket = -1;
  bool adopt_only = false;      // no socket of its own: only connections given to Adopt()
  std::string tls_certificate;  // PEM chain; with tls_key: TLS 1.3
  std::string tls_key;
  bool allow_tls_1_2 = false;  // for SDKs on old platforms; below 1.2 is refused always
  bool allow_plain_http =
      false;              // without TLS only loopback addresses are listened on, unless true
  int io_threads = 2;     // sockets, parsing, intake
  int query_threads = 2;  // reports; never on an io thread
  std::vector<std::string> trusted_proxies;  // addresses whose X-Forwarded-For is believed
  size_t max_connections = limits::kMaxConnections;
  size_t max_pipelined = 64;  // requests of one connection that may wait for their answers
  size_t max_buffered_bytes =
      512UL * 1024 * 1024;          // bodies of all connections together; past it 503
  size_t max_queued_queries = 256;  // past it 429
  int64_t header_timeout_ms = limits::kHeaderTimeoutSeconds * 1000;
  int64_t body_timeout_ms = limits::kBodyTimeoutSeconds * 1000;
  int64_t idle_timeout_ms = limits::kIdleTimeoutSeconds * 1000;
  int64_t write_timeout_ms =
      60'000;  // a client that takes nothing of its answer for this long is cut off
  int64_t drain_timeout_ms = 10'000;  // Stop() waits this long for requests in flight
  std::function<void(const AccessLine&)> access_log;  // called on io threads; may be empty
};

// Ready means that everything acknowledged so far can be queried.
struct Health {
  bool ready = false;
  std::string detail;  // one line without user data, such as "store is behind the log"
};
using HealthSource = std::function<Health()>;

// Appends OpenMetrics lines (families with HELP and TYPE, each ended by a newline), without the
// final "# EOF".
using MetricsSource = std::function<void(std::string* out)>;

// A JSON value for one project: what the sieve refused, what the store holds.
using ProjectJsonSource = std::function<Result<std::string>(ProjectId)>;

// One read of persons, as the audit log keeps it.
struct PersonRead {
  ProjectId project;
  std::string account;              // the service account's name
  std::string action;               // "engage", "stream/query", "export", "query people"
  std::string scope;                // which rows: dates, page; never a raw identifier
  std::vector<SubjectId> subjects;  // those asked for by name; empty where the scope says it all
};

// Appends the read durably, all of its subjects, before the answer leaves; an error means that the
// read does not happen (503).
class ReadRecorder {
 public:
  virtual ~ReadRecorder() = default;
  virtual Result<void> Record(const PersonRead& read) = 0;  // thread-safe
};

// The pseudonyms of ids as an SDK sent them, in their order.
using PseudonymSource =
    std::function<Result<std::vector<SubjectId>>(const std::vector<std::string>& raw_ids)>;

// A new connection to the compartment that answers queries.
using RelayConnect = std::function<Result<Descriptor>()>;

// One reading of what the vault knows of persons who asked for access to their data.
struct AccessReading {
  ProjectId project;
  std::string account;
  std::string task_id;
  std::vector<SubjectId> subjects;
  bool names_only = false;  // which fields are known, without their values
};
struct KnownIdentity {
  SubjectId subject;  // the one asked for, also where a linked device has it
  std::string field;
  SecretBytes value;
  int64_t first_seen_ms = 0;
  int64_t last_seen_ms = 0;
  bool current = false;  // the present value of a profile field
};

// A seam to the vault: recorded and charged there, for the purpose "access request". Thread-safe.
class AccessReader {
 public:
  virtual ~AccessReader() = default;
  // With the devices linked to each. kLimit: over the budget; kUnavailable: it cannot be recorded.
  virtual Result<std::vector<KnownIdentity>> Reveal(const AccessReading& reading) = 0;
};

// What the server works with; all outlive it. A null part's paths answer 503.
struct Services {
  bool serve_ingest = true;   // the paths of SDKs
  bool serve_queries = true;  // the query faces
  RelayConnect relay;         // where set, paths that are not served here are answered over it
  PseudonymSource pseudonyms;
  Intake* intake = nullptr;
  const ProjectLookup* projects = nullptr;  // service accounts of the query faces (intake/intake.h)
  FailedLogins* logins = nullptr;           // with `projects`; shared with intake
  std::function<QueryEngine*(ProjectId)> engine;  // null where the project has none
  ReadRecorder* reads = nullptr;
  std::function<SavedFunnels*(ProjectId)> funnels;  // null where the project has none
  PersonRequests* person_requests = nullptr;        // erasure and access (access/person_requests.h)
  AccessReader* access = nullptr;  // with `person_requests`: results of access requests
  // Whether a notice is ours (/notice), and the public keys of the answers in PEM. Blocking.
  std::function<Result<NoticeAnswer>(const NoticeQuestion&)> notice_check;
  std::function<Result<std::string>()> notice_keys;
  HealthSource health;
  MetricsSource metrics;
  ProjectJsonSource sieve;  // GET /api/v1/sieve
  ProjectJsonSource stats;  // GET /api/v1/stats
  const Clock* clock = &SystemClock();
};

// Listening from Start() until Stop() or destruction. Thread-safe.
class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> Start(ServerOptions options, Services services);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] uint16_t port() const;
  // Serves a connection that intake relays; what it says of the client's address is believed.
  void Adopt(Descriptor connection);
  // Closes the listener, lets requests in flight finish (drain_timeout_ms), then closes every
  // connection and joins the threads.
  void Stop();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
