// Who asks: HTTP Basic with a service account ("name:secret"). Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"
#include "intake/failed_logins.h"
#include "intake/intake.h"
#include "model/ids.h"

namespace bulkhead {

struct BasicCredentials {
  std::string username;
  std::string secret;
};

// nullopt: no Basic header, or a malformed one.
std::optional<BasicCredentials> ParseBasic(std::string_view authorization);

struct Caller {
  std::string account;  // for the audit log: the service account's name
  ProjectId project;
};

// Checks callers, and notes who fails.
class CallerCheck {
 public:
  CallerCheck(const ProjectLookup* projects, FailedLogins* logins)
      : projects_(projects), logins_(logins) {}

  // May hash a password: not for io threads. `project`: what the request names.
  Result<Caller> Check(const HttpRequest& request, std::optional<ProjectId> project);

 private:
  const ProjectLookup* projects_;
  FailedLogins* logins_;
};

// 401 with the challenge for Error kDenied, else as ErrorResponse.
HttpResponse CallerErrorResponse(const Error& error);

}  // namespace bulkhead
