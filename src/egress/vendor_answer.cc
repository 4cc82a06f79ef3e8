#include "egress/vendor_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <map>

namespace bulkhead {
namespace {

using simdjson::dom::element;

constexpr int64_t kLongestRetryAfterSeconds = 24L * 3600;
constexpr size_t kMostDateBytes = 40;

constexpr std::array<std::string_view, 18> kKnownFields = {"event",
                                                           "properties",
                                                           "properties.time",
                                                           "properties.distinct_id",
                                                           "properties.$insert_id",
                                                           "$distinct_id",
                                                           "$token",
                                                           "$set",
                                                           "time",
                                                           "event_type",
                                                           "user_id",
                                                           "device_id",
                                                           "insert_id",
                                                           "event_properties",
                                                           "user_properties",
                                                           "distinct_id",
                                                           "uuid",
                                                           "timestamp"};

// "Sun, 06 Nov 1994 08:49:37 GMT"; the older forms of a date are passed over: what sends waits by
// itself, too.
std::optional<int64_t> ReadHttpDate(std::string_view header) {
  std::tm at{};
  const std::string text(header.substr(0, kMostDateBytes));
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &at);
  return end != nullptr && *end == '\0' ? std::optional<int64_t>(::timegm(&at)) : std::nullopt;
}

std::optional<std::chrono::seconds> ReadRetryAfter(const OutboundReply& reply) {
  const std::string_view header = reply.retry_after;
  if (const std::optional<int64_t> until = ReadHttpDate(header); until && reply.at_ms != 0) {
    return std::chrono::seconds(
        std::clamp<int64_t>(*until - reply.at_ms / 1000, 1, kLongestRetryAfterSeconds));
  }
  int64_t seconds = 0;
  const auto [end, code] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (code != std::errc() || end != header.data() + header.size() || seconds < 0) {
    return std::nullopt;
  }
  return std::chrono::seconds(std::min(seconds, kLongestRetryAfterSeconds));
}

SendVerdict VerdictOf(int status) {
  if (status >= 200 && status < 300) return SendVerdict::kTaken;
  if (status == 401 || status == 403) return SendVerdict::kDenied;
  if (status == 400 || status == 413 || status == 422) return SendVerdict::kTooLarge;
  return SendVerdict::kRetry;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

void VisitIndexes(const simdjson::dom::array& list, std::string_view field,
                  const AnswerReader::EachIndex& each) {
  for (const element entry : list) {
    uint64_t index = 0;
    std::string_view name = field;
    if (entry.is_object()) {
      if (entry["index"].get_uint64().get(index) != simdjson::SUCCESS) continue;
      if (entry["field"].get_string().get(name) != simdjson::SUCCESS) name = field;
    } else if (entry.get_uint64().get(index) != simdjson::SUCCESS) {
      continue;
    }
    each(index, name);
  }
}

}  // namespace

SendOutcome JudgeStatus(const OutboundReply& reply) {
  SendOutcome outcome;
  outcome.verdict = VerdictOf(reply.status);
  if (outcome.verdict == SendVerdict::kTaken) return outcome;
  outcome.reason = fmt::format("the vendor answers {}", reply.status);
  if (outcome.verdict == SendVerdict::kRetry) {
    outcome.retry_after = ReadRetryAfter(reply);
  }
  return outcome;
}

AnswerReader::AnswerReader(std::string_view body) {
  simdjson::dom::object object;
  if (parser_.parse(body.data(), body.size()).get_object().get(object) == simdjson::SUCCESS) {
    root_ = object;
  }
}

std::optional<element> AnswerReader::Member(std::string_view name) const {
  element member;
  if (!root_ || root_->at_key(name).get(member) != simdjson::SUCCESS) return std::nullopt;
  return member;
}

bool AnswerReader::StartsWith(std::string_view member, std::string_view start) const {
  const std::optional<element> found = Member(member);
  std::string_view text;
  return found && found->get_string().get(text) == simdjson::SUCCESS &&
         text.size() >= start.size() &&
         std::ranges::equal(text.substr(0, start.size()), start, {}, Lower, Lower);
}

bool AnswerReader::HasEntries(std::string_view member) const {
  const std::optional<element> found = Member(member);
  simdjson::dom::array list;
  simdjson::dom::object object;
  return found && ((found->get_array().get(list) == simdjson::SUCCESS && list.size() > 0) ||
                   (found->get_object().get(object) == simdjson::SUCCESS && object.size() > 0));
}

std::optional<int64_t> AnswerReader::Number(std::string_view member) const {
  const std::optional<element> found = Member(member);
  int64_t number = 0;
  if (!found || found->get_int64().get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

bool AnswerReader::Lists(std::string_view member, std::string_view text) const {
  const std::optional<element> found = Member(member);
  simdjson::dom::array list;
  if (!found || found->get_array().get(list) != simdjson::SUCCESS) return false;
  return std::any_of(list.begin(), list.end(), [&](const element& entry) {
    std::string_view found_text;
    return entry.get_string().get(found_text) == simdjson::SUCCESS && found_text == text;
  });
}

void AnswerReader::ForEachIndex(std::string_view member, const EachIndex& each) const {
  const std::optional<element> found = Member(member);
  if (!found) return;
  simdjson::dom::array list;
  simdjson::dom::object fields;
  if (found->get_array().get(list) == simdjson::SUCCESS) {
    VisitIndexes(list, {}, each);
  } else if (found->get_object().get(fields) == simdjson::SUCCESS) {
    for (const auto& [field, indexes] : fields) {
      if (indexes.get_array().get(list) == simdjson::SUCCESS) VisitIndexes(list, field, each);
    }
  }
}

void RefuseIndexed(const AnswerReader& answer, std::initializer_list<std::string_view> members,
                   const VendorRequest& request, SendOutcome* outcome) {
  std::map<size_t, std::string> reasons;
  for (const std::string_view member : members) {
    answer.ForEachIndex(member, [&](uint64_t index, std::string_view field) {
      if (index >= request.messages.size()) return;
      const bool is_known = std::ranges::find(kKnownFields, field) != kKnownFields.end();
      reasons.try_emplace(request.messages[index],
                          is_known ? fmt::format("the vendor refuses its {}", field)
                                   : std::string("the vendor refuses it"));
    });
  }
  for (auto& [place, reason] : reasons) outcome->refused.push_back({place, std::move(reason)});
}

}  // namespace bulkhead
