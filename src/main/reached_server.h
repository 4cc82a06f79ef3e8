// The server of a data directory, for a command: the one that runs there, or one that is started
// for the command alone, on a free loopback port.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/compartment.h"
#include "base/result.h"
#include "main/data_directory.h"
#include "main/supervisor.h"

namespace bulkhead {

// What a command says of an answer that is not what it expects.
inline Error UnreadableAnswer() { return {ErrorCode::kBug, "the server's answer cannot be read"}; }

class ReachedServer {
 public:
  static Result<ReachedServer> Reach(const DataDirectory& dir);

  // Where events are taken, and where questions are answered.
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& query_url() const { return query_url_; }
  // What operator_commands.h answers; the answer's JSON, or the error that it names.
  [[nodiscard]] Result<std::string> Command(std::string_view command) const;
  // "user:secret" of the operator's own account, good until that server ends: with intake for
  // imports, with core for questions.
  [[nodiscard]] Result<std::string> AccountWith(Compartment compartment) const;
  // Where the server runs for this command alone: waits until all can be queried.
  [[nodiscard]] Result<void> WaitUntilQueryable() const;

 private:
  explicit ReachedServer(DataDirectory dir) : dir_(std::move(dir)) {}
  DataDirectory dir_;
  std::string url_, query_url_;
  std::unique_ptr<Supervisor> own_;  // null: another process's
};

}  // namespace bulkhead
