#include "intake/answer.h"

#include <string_view>
#include <utility>

#include "model/value.h"

namespace bulkhead {
namespace {

constexpr const char* kRetryAfterSeconds = "5";
constexpr const char* kRetryLoginAfterSeconds = "60";
constexpr std::string_view kSomeFailed = "some data points in the request failed validation";

// A transparent GIF of one pixel.
constexpr std::string_view kPixel(
    "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    "\x00\x00\x00\x00\x01\x00"
    "\x01\x00\x00\x02\x02"
    "D\x01\x00;",
    43);

IngestResponse Json(int status, std::string body) {
  return IngestResponse{status, "application/json", std::move(body), {}};
}

std::string_view StatusText(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 413:
      return "Request Entity Too Large";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    default:
      return "Service Unavailable";
  }
}

IngestResponse CodeJson(int status, std::string_view error) {
  std::string body = "{\"code\":" + std::to_string(status) + ",\"error\":";
  AppendJsonString(error, &body);
  body.append(",\"status\":");
  AppendJsonString(StatusText(status), &body);
  body.push_back('}');
  return Json(status, std::move(body));
}

std::string StatusBody(AnswerStyle style, bool ok, std::string_view error) {
  if (style == AnswerStyle::kPlain) return ok ? "1" : "0";
  if (ok) return R"({"status":1,"error":null})";
  std::string body = R"({"status":0,"error":)";
  AppendJsonString(error, &body);
  body.push_back('}');
  return body;
}

// The answer of /track and its like.
IngestResponse StatusAnswer(const AnswerForm& form, bool ok, std::string_view error) {
  if (!form.redirect.empty())
    return IngestResponse{302, "text/plain", "", {{"Location", form.redirect}}};
  if (form.image) return IngestResponse{200, "image/gif", std::string(kPixel), {}};
  std::string body = StatusBody(form.style, ok, error);
  if (!form.callback.empty()) {
    return IngestResponse{200,
                          "text/javascript",
                          form.callback + "(" + body + ");",
                          {{"X-Content-Type-Options", "nosniff"}}};
  }
  return IngestResponse{200,
                        form.style == AnswerStyle::kPlain ? "text/plain" : "application/json",
                        std::move(body),
                        {}};
}

void AppendRecord(const RecordError& error, std::string* body) {
  body->append("{\"index\":").append(std::to_string(error.index));
  // The reference calls it $insert_id, the OpenAPI description and its clients insert_id.
  for (const std::string_view name : {",\"$insert_id\":", ",\"insert_id\":"}) {
    body->append(name);
    AppendJsonString(error.insert_id, body);
  }
  body->append(",\"field\":");
  AppendJsonString(error.field, body);
  body->append(",\"message\":");
  AppendJsonString(error.message, body);
  body->push_back('}');
}

IngestResponse ImportAnswer(const Outcome& outcome) {
  const std::string imported = std::to_string(outcome.accepted);
  if (outcome.errors.empty()) {
    return Json(200, "{\"code\":200,\"num_records_imported\":" + imported + ",\"status\":\"OK\"}");
  }
  std::string body = "{\"code\":400,\"error\":";
  AppendJsonString(kSomeFailed, &body);
  body.append(",\"failed_records\":[");
  for (const RecordError& error : outcome.errors) {
    if (body.back() != '[') body.push_back(',');
    AppendRecord(error, &body);
  }
  body.append("],\"num_records_imported\":")
      .append(imported)
      .append(",\"status\":\"Bad Request\"}");
  return Json(400, std::move(body));
}

}  // namespace

Result<AnswerForm> ChooseAnswer(const IngestRequest& request, const Payload& payload) {
  const PayloadParameters& parameters = payload.parameters;
  AnswerForm form;
  const bool import_body = request.endpoint == IngestRequest::kImport && payload.is_json_body;
  const bool asked_strict =
      request.endpoint != IngestRequest::kTrack && parameters.strict.value_or(false);
  if (import_body || asked_strict) {
    form.style = AnswerStyle::kImport;
    return form;
  }
  if (parameters.verbose != 0) form.style = AnswerStyle::kVerbose;
  if (!parameters.callback.empty() && !IsValidCallback(parameters.callback)) {
    return Error{ErrorCode::kInvalid, "'callback' is invalid: must be the name of a function"};
  }
  if (!parameters.redirect.empty()) {
    // It goes before picture and callback, which nobody waits for then, followed or not.
    if (IsSameOriginRedirect(parameters.redirect, request.host, request.origin))
      form.redirect = parameters.redirect;
    return form;
  }
  form.image = parameters.image;
  form.callback = parameters.callback;
  return form;
}

IngestResponse AnswerOutcome(const AnswerForm& form, const Outcome& outcome) {
  if (form.style == AnswerStyle::kImport) return ImportAnswer(outcome);
  const bool ok = outcome.accepted > 0 || outcome.errors.empty();
  return StatusAnswer(form, ok,
                      ok ? std::string_view() : std::string_view(outcome.errors.front().message));
}

IngestResponse AnswerError(const AnswerForm& form, const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      if (form.style == AnswerStyle::kImport) return CodeJson(400, error.message);
      return StatusAnswer(form, false, error.message);
    case ErrorCode::kDenied:
      return CodeJson(401, "Invalid credentials");
    case ErrorCode::kLimit:
      return CodeJson(413, error.message);
    default: {
      IngestResponse response =
          CodeJson(503, "events cannot be stored at the moment; please retry");
      response.headers.emplace_back("Retry-After", kRetryAfterSeconds);
      return response;
    }
  }
}

IngestResponse AnswerTooManyLogins() {
  IngestResponse response = CodeJson(429, "too many failed logins, please retry in a minute");
  response.headers.emplace_back("Retry-After", kRetryLoginAfterSeconds);
  return response;
}

}  // namespace bulkhead
