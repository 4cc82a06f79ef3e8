#include "http/caller.h"

#include <utility>

#include "base/base64.h"

namespace bulkhead {
namespace {

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

Result<Caller> CallerCheck::Check(const HttpRequest& request, std::optional<ProjectId> project) {
  std::optional<BasicCredentials> credentials = ParseBasic(request.Header("authorization"));
  if (!credentials) {
    return Error{ErrorCode::kDenied, "Basic authorization with a service account is required"};
  }
  if (projects_ == nullptr || logins_ == nullptr) {
    return Error{ErrorCode::kUnavailable, "no catalogue"};
  }
  if (!project) {
    return Error{ErrorCode::kInvalid, "project_id: is required"};
  }
  const Error later{ErrorCode::kLimit, "too many failed logins, please retry in a minute"};
  if (!logins_->MayTry(request.client_ip)) {
    return later;
  }
  const Result<ProjectId> found =
      projects_->FindByServiceAccount(credentials->username, credentials->secret, project);
  if (!found && found.error().code == ErrorCode::kLimit) {
    return later;
  }
  if (!found && found.error().code == ErrorCode::kUnavailable) {
    return found.error();
  }
  if (!found || *found != *project) {
    logins_->Note(request.client_ip);
    return Error{ErrorCode::kDenied, "invalid service account credentials"};
  }
  return Caller{std::move(credentials->username), *found};
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
