// Who asks: HTTP Basic with a service account ("name:secret") or a project's API secret
// ("secret:"). Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
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
  std::string account;  // for the audit log: the service account's name, or "api-secret"
  ProjectId project;
};

// Checks callers, and slows down whoever guesses: past some failures in a minute an address gets no
// further check.
class CallerCheck {
 public:
  CallerCheck(const ProjectLookup* projects, const Clock* clock)
      : projects_(projects), clock_(clock) {}

  // May hash a password: not for io threads. `project`: what the request names.
  Result<Caller> Check(const HttpRequest& request, std::optional<ProjectId> project);

 private:
  struct Failures {
    int64_t minute = 0;
    int count = 0;
  };
  bool MayTry(const std::string& client_ip);
  void NoteFailure(const std::string& client_ip);

  const ProjectLookup* projects_;
  const Clock* clock_;
  std::mutex mutex_;
  std::map<std::string, Failures> failures_;
};

// 401 with the challenge for Error kDenied, else as ErrorResponse.
HttpResponse CallerErrorResponse(const Error& error);

}  // namespace bulkhead
