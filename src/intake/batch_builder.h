// Inside intake/: parsed records to the batch that is logged. Here ids become pseudonyms, the sieve
// cleans, places and browsers are added and what it sealed is gathered. One builder serves one
// request and one project.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "intake/pseudonyms.h"
#include "model/event.h"
#include "sieve/compiled_policy.h"
#include "sieve/consent.h"
#include "sieve/sieve.h"
#include "sieve/sieve_counters.h"
#include "wire/event_parser.h"
#include "wire/profile_parser.h"

namespace bulkhead {

class PolicyTrial;

// Place and browser of one request, looked up once and only if wanted. The address itself goes no
// further.
class RequestTraces {
 public:
  RequestTraces(const Sieve& sieve, std::string client_ip, std::string user_agent)
      : sieve_(sieve), client_ip_(std::move(client_ip)), user_agent_(std::move(user_agent)) {}

  [[nodiscard]] const std::string& client_ip() const { return client_ip_; }
  const Place& place();
  const UserAgent& browser();  // empty unless it looks like a browser's

 private:
  const Sieve& sieve_;
  std::string client_ip_;
  std::string user_agent_;
  std::optional<Place> place_;
  std::optional<UserAgent> browser_;
};

// All must outlive the builder.
struct BatchBuilderOptions {
  const Sieve* sieve = nullptr;
  SieveCounters* counters = nullptr;  // may be null
  const Pseudonyms* pseudonyms = nullptr;
  RequestTraces* traces = nullptr;
  bool use_ip = false;  // the request's address gives the place where a record names none
  const CompiledPolicy* policy = nullptr;
  PolicyTrial* trial = nullptr;  // may be null
  ConsentSignals signals;
};

class BatchBuilder {
 public:
  BatchBuilder(const BatchBuilderOptions& options, ProjectId project, int64_t arrival_ms,
               bool from_import);

  void Add(ParsedEvent&& event);
  void Add(ParsedProfile&& profile);

  [[nodiscard]] ProjectId project() const { return batch_.project; }
  // Counts the findings, seals what was gathered and hands the batch over; the builder is spent.
  Batch Finish(std::span<const uint8_t, 32> vault_public_key);

 private:
  void AddIdentifiers(const ParsedEvent& event, ValueObject* properties);
  void AddTraces(const ParsedEvent& event, ValueObject* properties);
  void AddProfilePlace(const ParsedProfile& profile, ValueObject* properties);
  std::optional<Place> PlaceFor(const std::optional<std::string>& record_ip);
  // Counts what the policy's consent rules say; false: the record is not kept.
  bool Admit(const ConsentDecision& consent);
  void CleanEvent(Event* event);
  void CleanProfile(ValueObject* properties);
  void BeginLibrary(const ValueObject& properties);
  void CountFindings();
  [[nodiscard]] FindingSource Source() const {
    return {batch_.project, library_, batch_.arrival_ms};
  }
  void KeepSealed(SubjectId subject, int64_t time_ms, bool from_profile);
  void CleanOperation(ParsedOperation* operation);

  BatchBuilderOptions options_;
  const CompiledProject* project_;
  Batch batch_;
  CleanOutcome outcome_;
  std::string library_;
  std::vector<SealedField> sealed_;
  std::set<std::string> sealed_seen_;  // the same value of the same person once a batch
};

}  // namespace bulkhead
