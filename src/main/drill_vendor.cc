#include "main/drill_vendor.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cstdio>
#include <mutex>
#include <unordered_set>
#include <utility>

#include "crypto/crypto.h"
#include "http/caller.h"
#include "http/listener.h"
#include "http/server.h"
#include "main/confinement.h"
#include "main/signals.h"
#include "model/value.h"

namespace bulkhead {
namespace {

constexpr size_t kMostKeptBytes = size_t{1} << 30;

struct VendorAccount {
  std::string username, secret, token;
};

class VendorHandler final : public RequestHandler {
 public:
  explicit VendorHandler(VendorAccount account) : account_(std::move(account)) {}

  void Handle(HttpRequest request, Reply reply) override {
    const std::lock_guard lock(mutex_);
    reply->Send(Answer(request));
  }
  HttpResponse Refuse(const HttpRequest& /*head*/, int status) override {
    return IngestErrorResponse(status, "refused");
  }

 private:
  HttpResponse Answer(const HttpRequest& request) {
    if (request.method == "POST" && request.path == "/engage") return TakeProfiles(request.body);
    const std::optional<BasicCredentials> caller = ParseBasic(request.Header("authorization"));
    if (!caller || caller->username != account_.username || caller->secret != account_.secret) {
      return IngestErrorResponse(401, "no such account");
    }
    if (request.method == "POST" && request.path == "/import") return TakeEvents(request.body);
    if (request.method == "GET" && request.path == "/api/2.0/export") {
      return JsonResponse(200, events_);
    }
    if (request.method == "GET" && request.path == "/api/query/engage") {
      return JsonResponse(200, profiles_);
    }
    return IngestErrorResponse(404, "no such path");
  }

  HttpResponse TakeEvents(const std::string& body) {
    simdjson::dom::array list;
    if (parser_.parse(simdjson::padded_string(body)).get(list) != simdjson::SUCCESS || IsFull()) {
      return IngestErrorResponse(400, "a list of events expected");
    }
    for (const simdjson::dom::element event : list) {
      std::string_view insert_id;
      const bool named = event["properties"]["$insert_id"].get(insert_id) == simdjson::SUCCESS;
      if (named && !known_.emplace(insert_id).second) continue;
      events_ += simdjson::minify(event) + "\n";
    }
    return JsonResponse(200, R"({"code":200,"status":"OK"})");
  }

  HttpResponse TakeProfiles(const std::string& body) {
    simdjson::dom::array list;
    if (parser_.parse(simdjson::padded_string(body)).get(list) != simdjson::SUCCESS || IsFull()) {
      return IngestErrorResponse(400, "a list of profile updates expected");
    }
    for (const simdjson::dom::element update : list) {
      std::string_view token, id;
      simdjson::dom::element set;
      if (update["$token"].get(token) != simdjson::SUCCESS || token != account_.token ||
          update["$distinct_id"].get(id) != simdjson::SUCCESS ||
          update["$set"].get(set) != simdjson::SUCCESS) {
        return IngestErrorResponse(400, "$token, $distinct_id and $set expected");
      }
      profiles_ += "{\"$distinct_id\":";
      AppendJsonString(id, &profiles_);
      profiles_ += ",\"$properties\":" + simdjson::minify(set) + "}\n";
    }
    return JsonResponse(200, R"({"status":1,"error":null})");
  }

  [[nodiscard]] bool IsFull() const { return events_.size() + profiles_.size() > kMostKeptBytes; }

  const VendorAccount account_;
  std::mutex mutex_;  // guards all below
  simdjson::dom::parser parser_;
  std::unordered_set<std::string> known_;
  std::string events_, profiles_;
};

}  // namespace

Result<void> RunDrillVendor() {
  if (Result<void> confined = ConfineSupervisor(); !confined) {
    return confined;
  }
  const VendorAccount account{"analyst", RandomHex(16), RandomHex(16)};
  ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.io_threads = 1;
  options.query_threads = 1;
  const Result<std::unique_ptr<Listener>> listener = Listener::Start(
      options,
      [&account](HttpMetrics*, WorkPool*) { return std::make_unique<VendorHandler>(account); });
  if (!listener) {
    return listener.error();
  }
  fmt::print(R"({{"port":{},"username":"{}","secret":"{}","token":"{}"}})"
             "\n",
             (*listener)->port(), account.username, account.secret, account.token);
  std::fflush(stdout);
  WaitForStopSignal();
  return {};
}

}  // namespace bulkhead
