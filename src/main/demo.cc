#include "main/demo.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <thread>

#include "base/clock.h"
#include "main/data_directory.h"
#include "main/demo_traffic.h"
#include "main/http_client.h"
#include "main/report_table.h"
#include "main/signals.h"
#include "main/supervisor.h"
#include "main/temporary_directory.h"

namespace bulkhead {
namespace {

std::string Date(int64_t time_ms) {
  const std::time_t seconds = static_cast<std::time_t>(time_ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
}

Result<void> SendOne(HttpClient& client, const DemoRequest& request, const std::string& token) {
  Result<HttpReply> reply =
      client.Call({.target = request.is_profiles ? "/engage?strict=1" : "/import?strict=1",
                   .content_type = "application/json",
                   .basic = token + ":",
                   .body = request.body});
  if (!reply) {
    return reply.error();
  }
  if (reply->status != 200) {
    return Error{ErrorCode::kBug, fmt::format("the demo's own traffic was answered {}: {}",
                                              reply->status, reply->body)};
  }
  return {};
}

struct DemoReport {
  const char* title;
  const char* kind;
  std::string json;
};

std::vector<DemoReport> Reports(const std::string& from, const std::string& to) {
  const std::string head = fmt::format(R"({{"project_id":1,"from":"{}","to":"{}",)", from, to);
  return {
      {"From sign-up to the first API call (7 days)", "funnel",
       head +
           R"("report":"funnel","steps":[{"event":"page_viewed"},{"event":"signup_started"},{"event":"signup_completed"},
        {"event":"api_key_created"},{"event":"first_api_call"},{"event":"payment_succeeded"}],"window":{"value":7,"unit":"day"}})"},
      {"Do those who sign up come back to call the API?", "retention",
       head +
           R"("report":"retention","born":{"event":"signup_completed"},"return":{"event":"api_request"},"unit":"week",
        "buckets":4,"mode":"on","birth":"first"})"},
      {"Active people and API calls by week", "insights",
       head +
           R"("report":"insights","metrics":[{"event":"page_viewed","math":"unique"},{"event":"api_request","math":"total"},
        {"event":"api_request","math":"p90","property":"latency_ms"}],"unit":"week"})"},
  };
}

Result<void> PrintReports(HttpClient& client, const std::string& account, int64_t now_ms) {
  for (const DemoReport& demo : Reports(Date(now_ms - 30LL * 86'400'000), Date(now_ms))) {
    const auto before = std::chrono::steady_clock::now();
    Result<HttpReply> reply =
        client.Call({.target = "/api/v1/query", .basic = account, .body = demo.json});
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - before;
    if (!reply) {
      return reply.error();
    }
    if (reply->status != 200) {
      return Error{ErrorCode::kBug, fmt::format("a report was answered {}", reply->status)};
    }
    Result<Table> table = TableOfAnswer(demo.kind, reply->body);
    if (!table) {
      return table.error();
    }
    fmt::print("\n{}  ({:.1f} ms)\n{}", demo.title, took.count(), FormatTable(*table));
  }
  return {};
}

struct Refused {
  std::array<std::string, 3> words;  // rule, where, what was done
  uint64_t count = 0;
};

std::vector<Refused> ParseRefused(const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array list;
  std::vector<Refused> all;
  if (parser.parse(simdjson::padded_string(json)).get(root) != simdjson::SUCCESS ||
      root["refused"].get(list) != simdjson::SUCCESS) {
    return all;
  }
  for (const simdjson::dom::element element : list) {
    Refused& one = all.emplace_back();
    const std::array<const char*, 3> names = {"rule", "path", "action"};
    for (size_t i = 0; i < names.size(); ++i) {
      std::string_view text;
      if (element[names.at(i)].get(text) == simdjson::SUCCESS) {
        one.words.at(i) = text;
      }
    }
    if (element["count"].get(one.count) != simdjson::SUCCESS) {
      all.pop_back();
    }
  }
  return all;
}

Result<void> PrintRefused(HttpClient& client, const std::string& account) {
  Result<HttpReply> reply = client.Call(
      {.method = "GET", .target = "/api/v1/sieve?project_id=1", .basic = account, .body = {}});
  if (!reply) {
    return reply.error();
  }
  std::vector<Refused> counts = ParseRefused(reply->body);
  std::sort(counts.begin(), counts.end(),
            [](const auto& a, const auto& b) { return a.count > b.count; });
  Table table = {{"rule", "where", "what was done", "times"}};
  for (const Refused& one : counts) {
    table.push_back({one.words[0], one.words[1], one.words[2], std::to_string(one.count)});
  }
  fmt::print("\nWhat the sieve refused to keep\n{}", FormatTable(table));
  return {};
}

Result<void> PlayTraffic(HttpClient& client, const DemoOptions& options, const std::string& token,
                         int64_t now_ms) {
  DemoTraffic traffic({.end_ms = now_ms, .events = options.events, .token = token});
  DemoRequest request;
  while (traffic.Next(&request)) {
    if (Result<void> sent = SendOne(client, request, token); !sent) {
      return sent;
    }
  }
  return {};
}

// Traffic and reports, all through the server's door.
Result<void> ShowReports(const Supervisor& server, const DemoOptions& options,
                         const InitResult& made) {
  const int64_t now_ms = SystemClock().NowMs();
  Result<std::unique_ptr<HttpClient>> client = HttpClient::Connect(server.url());
  if (!client) {
    return client.error();
  }
  if (Result<void> played = PlayTraffic(**client, options, made.token, now_ms); !played) {
    return played;
  }
  if (!server.WaitUntilQueryable(60'000)) {
    return Error{ErrorCode::kUnavailable, "the store did not catch up within a minute"};
  }
  const std::string account = made.username + ":" + made.secret;
  if (Result<void> printed = PrintReports(**client, account, now_ms); !printed) {
    return printed;
  }
  // What the sieve did is reported twice a second.
  std::this_thread::sleep_for(std::chrono::seconds(1));
  return PrintRefused(**client, account);
}

}  // namespace

Result<void> RunDemo(const DemoOptions& options) {
  Result<TemporaryDirectory> temporary = TemporaryDirectory::Make("demo");
  if (!temporary) {
    return temporary.error();
  }
  const DataDirectory dir(temporary->path() + "/data");
  Result<InitResult> made = InitDataDirectory(dir, {.project_name = "Demo"});
  if (!made) {
    return made.error();
  }
  SupervisorOptions listen;
  listen.listen = fmt::format("127.0.0.1:{}", options.once ? 0 : options.port);
  Result<std::unique_ptr<Supervisor>> server = Supervisor::Start(dir, listen);
  if (!server) {
    return server.error();
  }
  fmt::print("Playing a month of an API platform, {} events, through intake into {}\n",
             options.events, dir.path());
  if (Result<void> shown = ShowReports(**server, options, *made); !shown || options.once) {
    return shown;
  }
  fmt::print(
      "\nThe server is running. Point a Mixpanel SDK at it:\n"
      "  mixpanel.init(\"{0}\", {{ api_host: \"{1}\" }})\n"
      "Ask it:\n  curl -u '{2}:{3}' '{1}/api/query/events/names?project_id=1'\n"
      "Ctrl-C ends it and removes the directory.\n",
      made->token, (*server)->url(), made->username, made->secret);
  std::fflush(stdout);
  WaitForStopSignal();
  return {};
}

}  // namespace bulkhead
