#include "main/drill_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "base/file_system.h"
#include "main/control_socket.h"
#include "main/server_answer.h"
#include "main/signals.h"
#include "model/value.h"

namespace bulkhead {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kItemsOfARequest = 500;
constexpr std::chrono::seconds kPatience{90};
constexpr std::chrono::milliseconds kPause{20};
constexpr int64_t kStartMs = 30'000;
constexpr std::chrono::milliseconds kQuiet{1000};  // canaries' messages are beyond what was counted

// API requests and free text are nothing that a vendor needs.
constexpr std::array<const char*, 8> kAllowedEvents = {
    "page_viewed",     "signup_started", "signup_completed", "playground_opened",
    "api_key_created", "first_api_call", "billing_opened",   "payment_succeeded"};

std::string NameOf(const DemoItem& item) {
  constexpr std::string_view kHead = R"({"event":")";
  const size_t end = item.json.find('"', kHead.size());
  return item.json.starts_with(kHead) ? item.json.substr(kHead.size(), end - kHead.size()) : "";
}

}  // namespace

std::string DrillPolicy(uint16_t vendor_port) {
  std::string text = fmt::format(
      "schema = 1\n\n[vendor.{}]\ntype = \"mixpanel\"\nproject = 1\n"
      "url = \"http://127.0.0.1:{}\"\nallow_addresses = [\"127.0.0.1\"]\n"
      "time = \"day\"\nepoch_days = 90\ncanaries = 50\ncanary_domain = \"{}\"\n"
      "sends_per_second = 1000000\n\n",
      kDrillVendor, vendor_port, kDrillCanaryDomain);
  for (const char* event : kAllowedEvents) {
    text += fmt::format(
        "[[vendor.{}.event]]\nname = \"{}\"\nplain = [\"mp_country_code\"]\n"
        "coarse = [\"$referrer\", \"amount\"]\n\n",
        kDrillVendor, event);
  }
  return text + fmt::format("[vendor.{}.profile]\nplain = [\"plan\"]\ntoken = [\"organization\"]\n",
                            kDrillVendor);
}

bool DrillPolicyAllows(const DemoItem& item) {
  return item.is_profile || std::ranges::find(kAllowedEvents, NameOf(item)) != kAllowedEvents.end();
}

Result<void> CheckNotStopped() {
  return StopRequested() ? Error{ErrorCode::kUnavailable, "stopped"} : Result<void>();
}

Result<std::unique_ptr<DrillStage>> DrillStage::Set() {
  Result<TemporaryDirectory> base = TemporaryDirectory::Make("drill");
  if (!base) {
    return base.error();
  }
  const DataDirectory dir(base->path() + "/data");
  std::unique_ptr<DrillStage> stage(new DrillStage(*std::move(base), dir));
  Result<InitResult> made = InitDataDirectory(dir, {.project_name = "Drill"});
  if (!made) {
    return made.error();
  }
  stage->made_ = *std::move(made);
  for (Result<void> (DrillStage::*start)() :
       {&DrillStage::StartVendor, &DrillStage::StartServer, &DrillStage::StartSink}) {
    if (Result<void> started = (stage.get()->*start)(); !started) {
      return started.error();
    }
  }
  return stage;
}

Result<void> DrillStage::StartVendor() {
  Result<std::unique_ptr<DrillProcess>> process =
      DrillProcess::Start({"drill-vendor"}, Path("vendor.log"));
  if (!process) {
    return process.error();
  }
  vendor_process_ = *std::move(process);
  const Result<ServerAnswer> said = ServerAnswer::Of(vendor_process_->ReadLine(kStartMs));
  if (!said) {
    return said.error();
  }
  vendor_port_ = static_cast<uint16_t>(NumberMember(said->root(), "port"));
  vendor_account_ = TextMember(said->root(), "username") + ":" + TextMember(said->root(), "secret");
  vendor_token_ = TextMember(said->root(), "token");
  return {};
}

Result<void> DrillStage::StartServer() {
  policy_ = DrillPolicy(vendor_port_);
  FileSystem& fs = WorldReadableFileSystem();
  Result<void> written = fs.CreateDirs(dir_.Policy());
  if (written) written = fs.WriteFileAtomically(dir_.PolicyFile(), policy_);
  if (!written) {
    return written;
  }
  Result<std::unique_ptr<DrillProcess>> process =
      DrillProcess::Start({"serve", dir_.path(), "--listen", "127.0.0.1:0", "--egress-port",
                           std::to_string(vendor_port_)},
                          Path("server.log"));
  if (!process) {
    return process.error();
  }
  server_process_ = *std::move(process);
  const Result<void> up = Await("the server", [this]() -> Result<bool> {
    return ControlSocket::Answers(dir_.ControlSocket()) &&
           RealFileSystem().Exists(dir_.ServerAddress());
  });
  if (!up) {
    return up;
  }
  Result<ReachedServer> server = ReachedServer::Reach(dir_);
  if (!server) {
    return server.error();
  }
  server_ = *std::move(server);
  const Result<void> known = Await("the vendor's policy", [this]() -> Result<bool> {
    const Result<DrillVendorState> state = VendorState();
    return state && state->known;
  });
  if (!known) {
    return known;
  }
  const Result<std::string> told = server_->Command(
      fmt::format(R"({{"command":"vendor-credential","vendor":"{}","credential":{}}})",
                  kDrillVendor, JsonString("1:" + vendor_account_ + ":" + vendor_token_)));
  return told ? Result<void>() : told.error();
}

Result<void> DrillStage::StartSink() {
  Result<std::unique_ptr<DrillProcess>> process = DrillProcess::Start(
      {"vendor", "sink", dir_.path(), "--domain", kDrillCanaryDomain, "--smtp", "127.0.0.1:0"},
      Path("sink.log"));
  if (!process) {
    return process.error();
  }
  sink_ = *std::move(process);
  const Result<std::string> said = sink_->ReadLine(kStartMs);
  unsigned port = 0;
  if (!said || std::sscanf(said->c_str(), "mail on port %u", &port) != 1) {
    return said ? UnreadableAnswer() : said.error();
  }
  mail_port_ = static_cast<uint16_t>(port);
  return {};
}

std::string DrillStage::vendor_url() const {
  return fmt::format("http://127.0.0.1:{}", vendor_port_);
}

Result<void> DrillStage::Await(const char* what, const std::function<Result<bool>()>& is_so) {
  const auto deadline = SteadyClock::now() + kPatience;
  for (;;) {
    const Result<bool> so = is_so();
    if (!so || *so) {
      return so ? Result<void>() : so.error();
    }
    if (Result<void> go_on = CheckNotStopped(); !go_on) {
      return go_on;
    }
    for (DrillProcess* process : {vendor_process_.get(), server_process_.get(), sink_.get()}) {
      if (process != nullptr && !process->Runs()) {
        return process->Ended();
      }
    }
    if (SteadyClock::now() > deadline) {
      return Error{ErrorCode::kUnavailable, fmt::format("waited in vain for {}", what)};
    }
    std::this_thread::sleep_for(kPause);
  }
}

Result<void> DrillStage::Send(HttpClient* client, const std::string& target,
                              const std::string& body) {
  const Result<HttpReply> reply =
      client->Call({.target = target, .basic = made_.token + ":", .body = body});
  if (reply && reply->status != 200) {
    return Error{ErrorCode::kBug,
                 fmt::format("the drill's traffic was answered {}", reply->status)};
  }
  return reply ? CheckNotStopped() : reply.error();
}

Result<void> DrillStage::Import(const std::vector<DemoItem>& traffic) {
  const Result<std::unique_ptr<HttpClient>> client = HttpClient::Connect(server_->url());
  if (!client) {
    return client.error();
  }
  for (size_t begin = 0; begin < traffic.size(); begin += kItemsOfARequest) {
    std::array<std::string, 2> bodies;
    for (size_t i = begin; i < std::min(begin + kItemsOfARequest, traffic.size()); ++i) {
      std::string& body = bodies.at(traffic[i].is_profile ? 1 : 0);
      body += (body.empty() ? "[" : ",") + traffic[i].json;
    }
    for (size_t kind = 0; kind < bodies.size(); ++kind) {
      if (bodies.at(kind).empty()) continue;
      const std::string target = kind == 0 ? "/import?strict=1" : "/engage?strict=1";
      if (Result<void> sent = Send(client->get(), target, bodies.at(kind) + "]"); !sent) {
        return sent;
      }
    }
  }
  return {};
}

Result<void> DrillStage::AwaitSent(uint64_t messages) {
  uint64_t sent = 0;
  SteadyClock::time_point since;
  return Await("the vendor to have everything", [&]() -> Result<bool> {
    const Result<DrillVendorState> state = VendorState();
    if (!state) {
      return state.error();
    }
    if (state->sent != sent || state->waiting) since = SteadyClock::now();
    sent = state->sent;
    return sent >= messages && SteadyClock::now() - since > kQuiet;
  });
}

Result<DrillVendorState> DrillStage::VendorState() const {
  const Result<ServerAnswer> answer =
      ServerAnswer::Of(server_->Command(R"({"command":"vendor-list"})"));
  if (!answer) {
    return answer.error();
  }
  DrillVendorState state;
  for (const simdjson::dom::element vendor : ListOf(answer->root())) {
    if (TextMember(vendor, "vendor") != kDrillVendor) continue;
    state.known = true;
    state.waiting = FlagMember(vendor, "waiting");
    state.sent = static_cast<uint64_t>(NumberMember(vendor, "sent"));
  }
  return state;
}

Result<std::set<std::string>> DrillStage::Canaries() const {
  const Result<ServerAnswer> answer = ServerAnswer::Of(server_->Command(
      fmt::format(R"({{"command":"vendor-canaries","vendor":"{}"}})", kDrillVendor)));
  if (!answer) {
    return answer.error();
  }
  std::set<std::string> ids;
  for (const simdjson::dom::element canary : ListOf(answer->root())) {
    ids.insert(TextMember(canary, "id"));
  }
  return ids;
}

}  // namespace bulkhead
