#include "main/reached_server.h"

#include <simdjson.h>

#include <chrono>
#include <thread>

#include "base/file_system.h"
#include "main/control_socket.h"

namespace bulkhead {
namespace {

constexpr int kAddressTries = 500;
constexpr std::chrono::milliseconds kAddressPause{20};

}  // namespace

Result<ReachedServer> ReachedServer::Reach(const DataDirectory& dir) {
  ReachedServer server(dir);
  // A server that was killed leaves its address behind, but answers no more; one that has just
  // started answers before it has written it.
  for (int i = 0; i < kAddressTries && ControlSocket::Answers(dir.ControlSocket()); ++i) {
    if (Result<std::string> address = RealFileSystem().ReadWhole(dir.ServerAddress()); address) {
      const size_t end = address->find('\n');
      server.url_ = address->substr(0, end);
      server.query_url_ = end == std::string::npos ? server.url_ : address->substr(end + 1);
      return server;
    }
    std::this_thread::sleep_for(kAddressPause);
  }
  SupervisorOptions options;
  options.listen = "127.0.0.1:0";
  Result<std::unique_ptr<Supervisor>> own = Supervisor::Start(dir, options);
  if (!own) {
    return own.error();
  }
  server.own_ = *std::move(own);
  server.url_ = server.own_->url();
  server.query_url_ = server.own_->query_url();
  return server;
}

Result<std::string> ReachedServer::Command(std::string_view command) const {
  Result<std::string> answer = ControlSocket::Ask(dir_.ControlSocket(), command);
  if (!answer) {
    return answer.error();
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view error;
  if (parser.parse(simdjson::padded_string(*answer)).get(root) != simdjson::SUCCESS) {
    return UnreadableAnswer();
  }
  if (root["error"].get(error) == simdjson::SUCCESS) {
    return Error{ErrorCode::kInvalid, std::string(error)};
  }
  simdjson::dom::element value;
  if (root["answer"].get(value) != simdjson::SUCCESS) {
    return UnreadableAnswer();
  }
  return simdjson::minify(value);
}

Result<std::string> ReachedServer::AccountWith(Compartment compartment) const {
  const Result<std::string> text = Command("account " + std::string(CompartmentName(compartment)));
  if (!text) {
    return text.error();
  }
  simdjson::dom::parser parser;
  std::string_view account;
  if (parser.parse(simdjson::padded_string(*text)).get(account) != simdjson::SUCCESS) {
    return UnreadableAnswer();
  }
  return std::string(account);
}

Result<void> ReachedServer::WaitUntilQueryable() const {
  if (own_ != nullptr && !own_->WaitUntilQueryable(600'000)) {
    return Error{ErrorCode::kUnavailable,
                 "the store did not catch up with the log; the events are durable there"};
  }
  return {};
}

}  // namespace bulkhead
