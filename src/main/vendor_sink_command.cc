// bulkhead vendor sink: where mail to canaries arrives.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <ctime>

#include "main/canary_sink.h"
#include "main/confinement.h"
#include "main/control_socket.h"
#include "main/data_directory.h"
#include "main/reached_server.h"
#include "main/signals.h"
#include "main/vendor_commands.h"
#include "model/value.h"

namespace bulkhead {
namespace {

// Of the address a line on standard output says nothing unless it is a canary's: it may be that of
// somebody who mistyped.
void TellServer(const ReachedServer& server, const CanarySight& sight) {
  const Result<std::string> answer =
      server.Command(fmt::format(R"({{"command":"vendor-canary-seen","address":{},"via":"{}"}})",
                                 JsonString(sight.address), sight.via));
  if (!answer) {
    spdlog::error("the server was not told of a sight: {}", answer.error().message);
    return;
  }
  const bool canary = *answer != "[]";
  fmt::print(
      R"({{"time":"{:%Y-%m-%dT%H:%M:%SZ}","via":"{}","canaries":{},"address":{},"sender_domain":{},"from":{}}})"
      "\n",
      fmt::gmtime(std::time(nullptr)), sight.via, *answer,
      canary ? JsonString(sight.address) : "null", JsonString(sight.sender_domain),
      JsonString(sight.from));
  std::fflush(stdout);
}

}  // namespace

Result<void> CommandVendorSink(const VendorSinkCommand& command) {
  if (command.smtp.empty() && command.http.empty()) {
    return Error{ErrorCode::kInvalid, "--smtp, --http, or both are required"};
  }
  const DataDirectory dir(command.dir);
  if (!ControlSocket::Answers(dir.ControlSocket())) {
    return Error{ErrorCode::kUnavailable, "no server runs in this directory"};
  }
  const Result<ReachedServer> server = ReachedServer::Reach(dir);
  if (!server) {
    return server.error();
  }
  if (Result<void> confined = ConfineSupervisor(); !confined) {
    return confined;
  }
  const Result<std::unique_ptr<CanarySink>> sink =
      CanarySink::Start({command.smtp, command.http, command.domains},
                        [&server](const CanarySight& sight) { TellServer(*server, sight); });
  if (!sink) {
    return sink.error();
  }
  fmt::print("mail on port {}, sign-ins on port {}\n", (*sink)->smtp_port(), (*sink)->http_port());
  std::fflush(stdout);
  WaitForStopSignal();
  return {};
}

}  // namespace bulkhead
