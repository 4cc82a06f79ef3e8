#include "wire/payload.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/limits.h"
#include "wire/form_parser.h"
#include "wire/gunzip.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxCallbackBytes = 128;
constexpr size_t kMaxRedirectBytes = 2048;
constexpr std::string_view kNoFunction = "(function(){})";  // the browser SDK's "no callback"

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool EqualNoCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}

bool ContainsNoCase(std::string_view text, std::string_view word) {
  return !std::ranges::search(text, word, [](char x, char y) {
            return Lower(x) == Lower(y);
          }).empty();
}

std::string_view Trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view WithoutByteOrderMark(std::string_view text) {
  return text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text;
}

bool LooksLikeJson(std::string_view text) {
  const std::string_view trimmed = Trim(text);
  return !trimmed.empty() && (trimmed.front() == '{' || trimmed.front() == '[');
}

bool IsTrue(std::string_view text) {
  return !text.empty() && text != "0" && !EqualNoCase(text, "false");
}

void ReadParameters(const FormFields& form, PayloadParameters* parameters) {
  if (const auto* ip = form.Find("ip"); ip != nullptr && !parameters->use_ip)
    parameters->use_ip = IsTrue(*ip);
  if (const auto* strict = form.Find("strict"); strict != nullptr && !parameters->strict) {
    parameters->strict = IsTrue(*strict);
  }
  if (const auto* verbose = form.Find("verbose"); verbose != nullptr && parameters->verbose == 0) {
    parameters->verbose = *verbose == "2" ? 2 : (IsTrue(*verbose) ? 1 : 0);
  }
  if (const auto* image = form.Find("img"); image != nullptr && IsTrue(*image))
    parameters->image = true;
  const auto take = [&form](std::string_view name, std::string* into) {
    if (const auto* text = form.Find(name); text != nullptr && into->empty()) *into = *text;
  };
  take("callback", &parameters->callback);
  take("redirect", &parameters->redirect);
  take("api_key", &parameters->api_key);
  if (const auto* project = form.Find("project_id");
      project != nullptr && !parameters->project_id) {
    uint32_t number = 0;
    const char* end = project->data() + project->size();
    const auto [stop, failure] = std::from_chars(project->data(), end, number);
    // A project that is no number is none of ours: zero is never given out.
    parameters->project_id = failure == std::errc() && stop == end ? number : 0;
  }
}

// `data` of a form or query: JSON, or base64 of JSON in whichever alphabet survived the way here.
void TakeData(std::string text, Payload* payload) {
  if (!LooksLikeJson(text)) {
    std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
    auto decoded = Base64DecodeLenient(text);
    if (!decoded || decoded->empty()) {
      payload->error =
          Error{ErrorCode::kInvalid, "'data' is invalid: must be JSON or base64 of JSON"};
      return;
    }
    text = std::move(*decoded);
  }
  payload->owned = std::move(text);
  payload->json_is_owned = true;
}

// The body's bytes: inflated into payload->owned, or as sent.
std::string_view ReadBody(const PayloadRequest& request, Payload* payload) {
  const std::string_view encoding = Trim(request.content_encoding);
  if (request.body.size() > limits::kMaxBodyBytes) {
    payload->error = Error{ErrorCode::kLimit, "request exceeds max limit of " +
                                                  std::to_string(limits::kMaxBodyBytes) + " bytes"};
    return {};
  }
  if (encoding.empty() || EqualNoCase(encoding, "identity")) return request.body;
  if (!EqualNoCase(encoding, "gzip") && !EqualNoCase(encoding, "x-gzip")) {
    payload->error =
        Error{ErrorCode::kInvalid, "Content-Encoding is not supported: use gzip or none"};
    return {};
  }
  if (request.body.empty()) return {};
  Result<std::string> inflated = Gunzip(request.body, limits::kMaxInflatedBytes);
  if (!inflated) {
    payload->error = inflated.error();
    return {};
  }
  payload->owned = std::move(*inflated);
  payload->json_is_owned = true;
  return payload->owned;
}

}  // namespace

Payload DecodePayload(const PayloadRequest& request) {
  Payload payload;
  FormFields query = ParseForm(request.query);
  ReadParameters(query, &payload.parameters);
  payload.newline_delimited = ContainsNoCase(request.content_type, "ndjson");
  const bool says_json = ContainsNoCase(request.content_type, "json");
  payload.is_json_body = says_json && !request.body.empty();
  const std::string_view body = WithoutByteOrderMark(ReadBody(request, &payload));
  if (payload.error) return payload;
  // NDJSON may begin with a line that is no JSON, and has good ones behind it.
  if (LooksLikeJson(body) || (payload.newline_delimited && !Trim(body).empty())) {
    // Whatever the content type says: sendBeacon says text/plain, curl says form.
    payload.is_json_body = true;
    if (payload.json_is_owned) {
      if (body.size() != payload.owned.size())
        payload.owned.erase(0, payload.owned.size() - body.size());
    } else {
      payload.raw = body;
    }
    return payload;
  }
  payload.newline_delimited = false;
  FormFields form = ParseForm(body);
  ReadParameters(form, &payload.parameters);
  payload.json_is_owned = false;
  std::string* data = form.Find("data");
  if (data == nullptr) data = query.Find("data");
  if (data == nullptr) {
    payload.error = Error{ErrorCode::kInvalid,
                          "'data' is missing: neither a JSON body nor a data parameter was sent"};
    return payload;
  }
  payload.is_json_body = false;
  TakeData(std::move(*data), &payload);
  return payload;
}

bool IsValidCallback(std::string_view name) {
  if (name == kNoFunction) return true;
  if (name.empty() || name.size() > kMaxCallbackBytes) return false;
  enum class Place { kPartStart, kPart, kIndexStart, kIndex, kIndexEnd };
  Place place = Place::kPartStart;
  for (const char c : name) {
    const bool is_letter = (Lower(c) >= 'a' && Lower(c) <= 'z') || c == '_' || c == '$';
    const bool is_digit = c >= '0' && c <= '9';
    const bool in_index = place == Place::kIndexStart || place == Place::kIndex;
    const bool after_part = place == Place::kPart || place == Place::kIndexEnd;
    if (is_digit && in_index) {
      place = Place::kIndex;
    } else if (c == ']' && place == Place::kIndex) {
      place = Place::kIndexEnd;
    } else if (c == '[' && after_part) {
      place = Place::kIndexStart;
    } else if (c == '.' && after_part) {
      place = Place::kPartStart;
    } else if ((is_letter && place == Place::kPartStart) ||
               ((is_letter || is_digit) && place == Place::kPart)) {
      place = Place::kPart;
    } else {
      return false;
    }
  }
  return place == Place::kPart || place == Place::kIndexEnd;
}

bool IsSameOriginRedirect(std::string_view target, std::string_view host, std::string_view origin) {
  if (target.empty() || target.size() > kMaxRedirectBytes) return false;
  const auto is_unsafe = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte >= 0x7F || c == '\\' || c == '"' || c == '<' || c == '>';
  };
  if (std::ranges::any_of(target, is_unsafe)) return false;
  if (target.front() == '/') return !target.starts_with("//");
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (target.size() <= scheme.size() || !EqualNoCase(target.substr(0, scheme.size()), scheme))
      continue;
    const std::string_view rest = target.substr(scheme.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (authority.empty() || authority.find('@') != std::string_view::npos) return false;
    return (!host.empty() && EqualNoCase(authority, host)) ||
           EqualNoCase(target.substr(0, scheme.size() + authority.size()), origin);
  }
  return false;
}

}  // namespace bulkhead
