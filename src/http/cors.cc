#include "http/cors.h"

#include <algorithm>
#include <array>
#include <string>

namespace bulkhead {
namespace {

constexpr size_t kMaxOriginBytes = 512;
constexpr size_t kMaxRequestedHeaders = 32;

bool IsOrigin(std::string_view text) {
  return !text.empty() && text.size() <= kMaxOriginBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

bool IsToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return lower;
}

// What SDKs send, and what this site's own xhr_headers add.
std::string AllowedHeaders(std::string_view requested) {
  std::string allowed = "Authorization, Content-Type, traceparent";
  const std::array<std::string_view, 3> known = {"authorization", "content-type", "traceparent"};
  for (size_t count = 0; !requested.empty() && count < kMaxRequestedHeaders; ++count) {
    const size_t comma = requested.find(',');
    std::string_view name = requested.substr(0, comma);
    requested = comma == std::string_view::npos ? std::string_view{} : requested.substr(comma + 1);
    while (!name.empty() && (name.front() == ' ' || name.front() == '\t')) {
      name.remove_prefix(1);
    }
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) {
      name.remove_suffix(1);
    }
    if (IsToken(name) && std::find(known.begin(), known.end(), Lower(name)) == known.end()) {
      allowed += ", ";
      allowed += name;
    }
  }
  return allowed;
}

}  // namespace

void AllowOrigin(const HttpRequest& request, HttpResponse* response) {
  response->headers.emplace_back("Vary", "Origin");
  const std::string_view origin = request.Header("origin");
  if (!IsOrigin(origin)) {
    return;
  }
  response->headers.emplace_back("Access-Control-Allow-Origin", std::string(origin));
  response->headers.emplace_back("Access-Control-Allow-Credentials", "true");
  response->headers.emplace_back("Access-Control-Expose-Headers", "Retry-After");
}

HttpResponse PreflightResponse(const HttpRequest& request) {
  HttpResponse response;
  response.status = 204;
  response.headers.emplace_back("Allow", "GET, POST, OPTIONS");
  if (IsOrigin(request.Header("origin"))) {
    response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    response.headers.emplace_back("Access-Control-Allow-Headers",
                                  AllowedHeaders(request.Header("access-control-request-headers")));
    response.headers.emplace_back("Access-Control-Max-Age", "86400");
  }
  AllowOrigin(request, &response);
  return response;
}

}  // namespace bulkhead
