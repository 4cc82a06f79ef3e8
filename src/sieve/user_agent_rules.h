// User agents to family and major version, by uap-core's regexes. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sieve/sieve.h"

namespace bulkhead {

class UserAgentRules {
 public:
  // A path that is not there loads no rules: every user agent is then unknown.
  static Result<std::unique_ptr<UserAgentRules>> Load(const std::string& path);
  ~UserAgentRules();
  UserAgentRules(const UserAgentRules&) = delete;
  UserAgentRules& operator=(const UserAgentRules&) = delete;

  // Costs some 100 us for a user agent not seen lately; answers are cached.
  [[nodiscard]] UserAgent LookUp(std::string_view user_agent) const;
  [[nodiscard]] bool empty() const;

 private:
  struct Rules;
  explicit UserAgentRules(std::unique_ptr<Rules> rules);
  std::unique_ptr<Rules> rules_;
};

}  // namespace bulkhead
