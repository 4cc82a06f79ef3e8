#include "http/caller.h"

#include <utility>

#include "base/base64.h"

namespace bulkhead {
namespace {

constexpr int kMaxFailuresPerMinute = 60;
constexpr size_t kMaxAddresses = 10'000;
constexpr size_t kMaxCredentialBytes = 1024;

}  // namespace

std::optional<BasicCredentials> ParseBasic(std::string_view authorization) {
  constexpr std::string_view kScheme = "basic ";
  if (authorization.size() <= kScheme.size() || authorization.size() > kMaxCredentialBytes) {
    return std::nullopt;
  }
  for (size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) {
      return std::nullopt;
    }
  }
  const std::optional<std::string> text = Base64DecodeLenient(authorization.substr(kScheme.size()));
  if (!text) {
    return std::nullopt;
  }
  const size_t colon = text->find(':');
  if (colon == std::string::npos) {
    return std::nullopt;
  }
  return BasicCredentials{text->substr(0, colon), text->substr(colon + 1)};
}

bool CallerCheck::MayTry(const std::string& client_ip) {
  const int64_t minute = clock_->NowMs() / 60'000;
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find(client_ip);
  return found == failures_.end() || found->second.minute != minute ||
         found->second.count < kMaxFailuresPerMinute;
}

void CallerCheck::NoteFailure(const std::string& client_ip) {
  const int64_t minute = clock_->NowMs() / 60'000;
  const std::lock_guard lock(mutex_);
  if (failures_.size() >= kMaxAddresses) {
    std::erase_if(failures_, [&](const auto& entry) { return entry.second.minute != minute; });
    if (failures_.size() >= kMaxAddresses) {
      failures_.clear();
    }
  }
  Failures& failures = failures_[client_ip];
  failures.count = failures.minute == minute ? failures.count + 1 : 1;
  failures.minute = minute;
}

Result<Caller> CallerCheck::Check(const HttpRequest& request, std::optional<ProjectId> project) {
  const Error refused{ErrorCode::kDenied, "invalid service account credentials"};
  std::optional<BasicCredentials> credentials = ParseBasic(request.Header("authorization"));
  if (!credentials) {
    return Error{ErrorCode::kDenied, "Basic authorization with a service account is required"};
  }
  if (projects_ == nullptr) {
    return Error{ErrorCode::kUnavailable, "no catalogue"};
  }
  const bool api_secret = credentials->secret.empty();
  if (!project && !api_secret) {
    return Error{ErrorCode::kInvalid, "project_id: is required"};
  }
  if (!MayTry(request.client_ip)) {
    return Error{ErrorCode::kLimit, "too many failed logins, please retry in a minute"};
  }
  const std::optional<ProjectId> found =
      projects_->FindByServiceAccount(credentials->username, credentials->secret, project);
  if (!found || (project && *found != *project)) {
    NoteFailure(request.client_ip);
    return refused;
  }
  return Caller{api_secret ? "api-secret" : std::move(credentials->username), *found};
}

HttpResponse CallerErrorResponse(const Error& error) {
  if (error.code != ErrorCode::kDenied) {
    HttpResponse response = ErrorResponse(error);
    if (response.status == 429 || response.status == 503) {
      response.headers.emplace_back("Retry-After", "60");
    }
    return response;
  }
  HttpResponse response = ErrorResponse(401, error.message);
  response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"bulkhead\", charset=\"UTF-8\"");
  return response;
}

}  // namespace bulkhead
