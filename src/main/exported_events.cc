#include "main/exported_events.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "main/audit_commands.h"
#include "main/http_client.h"

namespace bulkhead {
namespace {

constexpr size_t kEventsAtOnce = 1000;

std::string DaysAgo(int days) {
  const auto day = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) -
                   std::chrono::days(days);
  return fmt::format("{:%Y-%m-%d}", day);
}

Result<std::string> Export(const ReachedServer& server, const ExportedRange& range) {
  const Result<int64_t> from = ParseMoment(range.from.empty() ? DaysAgo(6) : range.from);
  const Result<int64_t> to = from ? ParseMoment(range.to.empty() ? DaysAgo(0) : range.to) : from;
  if (!to) {
    return to.error();
  }
  const Result<std::string> account = server.AccountWith(Compartment::kCore);
  Result<std::unique_ptr<HttpClient>> client =
      account ? HttpClient::Connect(server.query_url())
              : Result<std::unique_ptr<HttpClient>>(account.error());
  if (!client) {
    return client.error();
  }
  const auto day = [](int64_t ms) {
    return fmt::format("{:%Y-%m-%d}", std::chrono::sys_time<std::chrono::milliseconds>(
                                          std::chrono::milliseconds(ms)));
  };
  const Result<HttpReply> reply = (*client)->Call(
      {.method = "GET",
       .target = fmt::format("/api/2.0/export?project_id={}&from_date={}&to_date={}&limit={}",
                             range.project, day(*from), day(*to), range.events),
       .basic = *account,
       .body = {}});
  if (!reply) {
    return reply.error();
  }
  if (reply->status != 200) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("the server answered {}: {}", reply->status, reply->body)};
  }
  return reply->body;
}

}  // namespace

Result<void> ForEachExported(const ReachedServer& server, const ExportedRange& range,
                             const std::function<void(std::vector<ParsedEvent>)>& each) {
  const Result<std::string> text = Export(server, range);
  if (!text) {
    return text.error();
  }
  EventParseOptions options;
  options.newline_delimited = true;
  std::string_view lines = *text;
  while (!lines.empty()) {
    size_t end = 0;
    for (size_t count = 0; count < kEventsAtOnce && end < lines.size(); ++count) {
      end = std::min(lines.find('\n', end), lines.size() - 1) + 1;
    }
    Result<ParsedEvents> parsed = ParseEvents(lines.substr(0, end), options);
    if (!parsed) {
      return parsed.error();
    }
    each(std::move(parsed->events));
    lines.remove_prefix(end);
  }
  return {};
}

}  // namespace bulkhead
