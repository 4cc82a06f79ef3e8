#include "main/demo.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <future>

#include "base/base64.h"
#include "main/demo_traffic.h"
#include "main/descriptor_limit.h"
#include "main/report_table.h"
#include "main/service.h"
#include "main/signals.h"
#include "wire/report_parser.h"

namespace bulkhead {
namespace {

std::string Date(int64_t time_ms) {
  const std::time_t seconds = static_cast<std::time_t>(time_ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
}

Result<void> SendOne(Intake& intake, const DemoRequest& request, const std::string& authorization) {
  IngestRequest ingest;
  ingest.endpoint = request.is_profiles ? IngestRequest::kEngage : IngestRequest::kImport;
  ingest.method = "POST";
  ingest.query = "strict=1";
  ingest.content_type = "application/json";
  ingest.body = request.body;
  ingest.authorization = authorization;
  std::promise<IngestResponse> answered;
  intake.Accept(ingest, [&](IngestResponse response) { answered.set_value(std::move(response)); });
  const IngestResponse response = answered.get_future().get();
  if (response.status != 200) {
    return Error{ErrorCode::kBug, fmt::format("the demo's own traffic was answered {}: {}",
                                              response.status, response.body)};
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

Result<void> PrintReports(const QueryEngine& engine, int64_t now_ms) {
  for (const DemoReport& demo : Reports(Date(now_ms - 30LL * 86'400'000), Date(now_ms))) {
    Result<Report> report = ParseReport(demo.json);
    if (!report) {
      return report.error();
    }
    const auto before = std::chrono::steady_clock::now();
    Result<std::string> answer = engine.Run(*report);
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - before;
    if (!answer) {
      return answer.error();
    }
    Result<Table> table = TableOfAnswer(demo.kind, *answer);
    if (!table) {
      return table.error();
    }
    fmt::print("\n{}  ({:.1f} ms)\n{}", demo.title, took.count(), FormatTable(*table));
  }
  return {};
}

void PrintRefused(const SieveCounters& counters) {
  std::vector<SieveCount> counts = counters.Snapshot();
  std::sort(counts.begin(), counts.end(),
            [](const auto& a, const auto& b) { return a.count > b.count; });
  Table table = {{"rule", "where", "what was done", "times"}};
  for (const SieveCount& count : counts) {
    table.push_back({count.rule, count.path, std::string(ActionName(count.action)),
                     std::to_string(count.count)});
  }
  fmt::print("\nWhat the sieve refused to keep\n{}", FormatTable(table));
}

// Removes the throwaway directory when the demo ends.
class TemporaryDirectory {
 public:
  static Result<TemporaryDirectory> Make() {
    std::string path = (std::filesystem::temp_directory_path() / "bulkhead-demo-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) {
      return Error{ErrorCode::kUnavailable, "cannot make a temporary directory"};
    }
    return TemporaryDirectory(path);
  }
  ~TemporaryDirectory() {
    if (!path_.empty()) {
      std::error_code code;
      std::filesystem::remove_all(path_, code);
    }
  }
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<void> PlayTraffic(Service& service, const DemoOptions& options, const std::string& token,
                         int64_t now_ms) {
  DemoTraffic traffic({.end_ms = now_ms, .events = options.events, .token = token});
  const std::string authorization = "Basic " + Base64Encode(token + ":");
  DemoRequest request;
  while (traffic.Next(&request)) {
    if (Result<void> sent = SendOne(service.intake(), request, authorization); !sent) {
      return sent;
    }
  }
  if (!service.WaitUntilQueryable(60'000)) {
    return Error{ErrorCode::kUnavailable, "the store did not catch up within a minute"};
  }
  return {};
}

}  // namespace

Result<void> RunDemo(const DemoOptions& options) {
  Result<TemporaryDirectory> temporary = TemporaryDirectory::Make();
  if (!temporary) {
    return temporary.error();
  }
  const DataDirectory dir(temporary->path() + "/data");
  Result<InitResult> made = InitDataDirectory(dir, {.project_name = "Demo"});
  if (!made) {
    return made.error();
  }
  Result<std::unique_ptr<Service>> service = Service::Open(dir);
  if (!service) {
    return service.error();
  }
  const int64_t now_ms = SystemClock().NowMs();
  fmt::print("Playing a month of an API platform, {} events, through intake into {}\n",
             options.events, dir.path());
  if (Result<void> played = PlayTraffic(**service, options, made->token, now_ms); !played) {
    return played;
  }
  if (Result<void> printed = PrintReports(*(*service)->engine(made->project), now_ms); !printed) {
    return printed;
  }
  PrintRefused((*service)->sieve_counters());
  if (options.once) {
    return {};
  }
  ServerOptions listen;
  listen.listen = fmt::format("127.0.0.1:{}", options.port);
  listen.max_connections = ConnectionsPerListener(listen.max_connections, 1);
  Result<uint16_t> port = (*service)->Listen(listen);
  if (!port) {
    return port.error();
  }
  fmt::print(
      "\nThe server is running. Point a Mixpanel SDK at it:\n"
      "  mixpanel.init(\"{0}\", {{ api_host: \"http://127.0.0.1:{1}\" }})\n"
      "Ask it:\n  curl -u '{2}:{3}' 'http://127.0.0.1:{1}/api/query/events/names?project_id=1'\n"
      "Ctrl-C ends it and removes the directory.\n",
      made->token, *port, made->username, made->secret);
  std::fflush(stdout);
  WaitForStopSignal();
  return {};
}

}  // namespace bulkhead
