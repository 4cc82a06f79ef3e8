// vault reveal|erase|find, dump: what the operator does on the host.
#include <fmt/format.h>
#include <simdjson.h>

#include <filesystem>

#include "base/file_system.h"
#include "crypto/keys.h"
#include "log/log_dump.h"
#include "main/commands.h"
#include "main/reached_server.h"
#include "model/value.h"
#include "store/segment_dump.h"

namespace bulkhead {
namespace {

std::string MakeCommand(const char* kind, const VaultCommand& command) {
  std::string json = fmt::format(R"({{"command":"{}","project":{})", kind, command.project);
  for (const auto& [name, text] :
       {std::pair("subject", &command.subject), std::pair("id", &command.raw_id),
        std::pair("email", &command.email), std::pair("purpose", &command.purpose),
        std::pair("reference", &command.reference)}) {
    if (!text->empty()) {
      json += fmt::format(",\"{}\":", name);
      AppendJsonString(*text, &json);
    }
  }
  return json + (command.history ? ",\"history\":true}" : "}");
}

Result<std::string> Ask(const DataDirectory& dir, const char* kind, const VaultCommand& command) {
  Result<ReachedServer> server = ReachedServer::Reach(dir);
  return server ? server->Command(MakeCommand(kind, command)) : server.error();
}

}  // namespace

Result<void> CommandReveal(const DataDirectory& dir, const VaultCommand& command) {
  Result<std::string> answer = Ask(dir, "reveal", command);
  if (!answer) {
    return answer.error();
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view subject;
  simdjson::dom::array fields;
  if (parser.parse(simdjson::padded_string(*answer)).get(root) != simdjson::SUCCESS ||
      root["subject"].get(subject) != simdjson::SUCCESS ||
      root["fields"].get(fields) != simdjson::SUCCESS) {
    return UnreadableAnswer();
  }
  if (fields.size() == 0) {
    fmt::print("the vault knows nothing of {}\n", subject);
  }
  for (const simdjson::dom::element field : fields) {
    std::string_view name;
    std::string_view value;
    if (field["field"].get(name) != simdjson::SUCCESS ||
        field["value"].get(value) != simdjson::SUCCESS) {
      return UnreadableAnswer();
    }
    const bool earlier = field["earlier"].error() == simdjson::SUCCESS;
    fmt::print("{}{}: {}\n", name, earlier ? " (earlier)" : "", value);
  }
  return {};
}

Result<void> CommandErase(const DataDirectory& dir, const VaultCommand& command) {
  Result<std::string> answer = Ask(dir, "erase", command);
  if (!answer) {
    return answer.error();
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view subject;
  uint64_t devices = 0;
  uint64_t values = 0;
  if (parser.parse(simdjson::padded_string(*answer)).get(root) != simdjson::SUCCESS ||
      root["subject"].get(subject) != simdjson::SUCCESS ||
      root["devices"].get(devices) != simdjson::SUCCESS ||
      root["values"].get(values) != simdjson::SUCCESS) {
    return UnreadableAnswer();
  }
  fmt::print("erased {} with {} linked devices and {} sealed values\n", subject, devices, values);
  return {};
}

Result<void> CommandFind(const DataDirectory& dir, const VaultCommand& command) {
  Result<std::string> answer = Ask(dir, "find", command);
  if (!answer) {
    return answer.error();
  }
  simdjson::dom::parser parser;
  simdjson::dom::array subjects;
  if (parser.parse(simdjson::padded_string(*answer)).get(subjects) != simdjson::SUCCESS) {
    return UnreadableAnswer();
  }
  for (const simdjson::dom::element subject : subjects) {
    std::string_view text;
    if (subject.get(text) != simdjson::SUCCESS) {
      return UnreadableAnswer();
    }
    fmt::print("{}\n", text);
  }
  return {};
}

Result<void> CommandDumpLog(const std::string& path) {
  return DumpLog(RealFileSystem(), path, [](std::string_view line) { fmt::print("{}\n", line); });
}

Result<void> CommandDumpSegment(const std::string& path) {
  // DIR/store/<project>/segment-<number>
  const std::filesystem::path project = std::filesystem::absolute(path).parent_path();
  const DataDirectory dir(project.parent_path().parent_path().string());
  Result<CoreKeys> keys = LoadCoreKeys(RealFileSystem(), dir.Keys());
  if (!keys) {
    return keys.error();
  }
  Result<std::string> text =
      DumpSegment(RealFileSystem(), path, keys->store_keys, project.filename().string());
  if (!text) {
    return text.error();
  }
  fmt::print("{}", *text);
  return {};
}

}  // namespace bulkhead
