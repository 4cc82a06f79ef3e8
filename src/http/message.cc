#include "http/message.h"

#include <array>
#include <ctime>

#include "model/value.h"

namespace bulkhead {
namespace {

// RFC 9110 asks for Date; one formatting per second and thread is enough.
std::string_view DateText() {
  thread_local std::time_t last = 0;
  thread_local std::array<char, 40> text{};
  thread_local size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != last) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    last = now;
  }
  return {text.data(), size};
}

}  // namespace

std::string_view HttpRequest::Header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) {
      return value;
    }
  }
  return {};
}

std::string HttpRequest::JoinedHeader(std::string_view lower_name) const {
  std::string joined;
  bool first = true;
  for (const auto& [name, value] : headers) {
    if (name == lower_name) {
      joined += first ? "" : ", ";
      joined += value;
      first = false;
    }
  }
  return joined;
}

Responder::~Responder() {
  if (!sent_.load()) {
    Send(ErrorResponse(500, "internal error"));
  }
}

void Responder::Send(HttpResponse response) {
  if (sent_.exchange(true)) {
    return;
  }
  if (sink_) {
    sink_(std::move(response));
    sink_ = nullptr;
  }
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 302:
      return "Found";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return status < 300 ? "OK" : "Error";
  }
}

HttpResponse JsonResponse(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

HttpResponse ErrorResponse(int status, std::string_view message) {
  std::string body = "{\"error\":";
  AppendJsonString(message, &body);
  body += ",\"status\":\"error\"}";
  return JsonResponse(status, std::move(body));
}

HttpResponse IngestErrorResponse(int status, std::string_view message) {
  std::string body = "{\"code\":" + std::to_string(status) + ",\"error\":";
  AppendJsonString(message, &body);
  body += ",\"status\":";
  AppendJsonString(ReasonPhrase(status), &body);
  body += '}';
  HttpResponse response = JsonResponse(status, std::move(body));
  if (status == 429 || status == 503) {
    response.headers.emplace_back("Retry-After", "1");
  }
  return response;
}

HttpResponse ErrorResponse(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      return ErrorResponse(400, error.message);
    case ErrorCode::kNotFound:
      return ErrorResponse(404, error.message);
    case ErrorCode::kDenied:
      return ErrorResponse(403, error.message);
    case ErrorCode::kLimit:
      return ErrorResponse(429, error.message);
    case ErrorCode::kUnavailable:
      return ErrorResponse(503, "temporarily unavailable");
    case ErrorCode::kCorruption:
    case ErrorCode::kBug:
      break;
  }
  return ErrorResponse(500, "internal error");
}

std::string SerializeHead(const HttpResponse& response, int64_t length, bool keep_alive) {
  std::string head;
  head.reserve(256);
  head += "HTTP/1.1 ";
  head += std::to_string(response.status);
  head += ' ';
  head += ReasonPhrase(response.status);
  head += "\r\nDate: ";
  head += DateText();
  if (response.status != 204) {
    head += "\r\nContent-Type: ";
    head += response.content_type;
    if (length >= 0) {
      head += "\r\nContent-Length: ";
      head += std::to_string(length);
    } else {
      head += "\r\nTransfer-Encoding: chunked";
    }
  }
  head += "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff";
  for (const auto& [name, value] : response.headers) {
    head += "\r\n";
    head += name;
    head += ": ";
    head += value;
  }
  head += keep_alive ? "\r\nConnection: keep-alive\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
  return head;
}

}  // namespace bulkhead
