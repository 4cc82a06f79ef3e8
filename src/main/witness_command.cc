// bulkhead witness: signs a log's checkpoints on another host than the log's.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "audit/witness.h"
#include "base/file_system.h"
#include "base/hex.h"
#include "crypto/crypto.h"
#include "main/audit_access.h"
#include "main/audit_commands.h"
#include "main/http_client.h"
#include "main/signals.h"
#include "main/witness_server.h"

namespace bulkhead {
namespace {

constexpr uint64_t kMaxLogFileBytes = kTileWidth * (kMaxEntryBytes + 2);  // a bundle
constexpr std::string_view kKeyPrefix = "bulkhead-witness-key-v1 ";

// The witness's own key, made at its first start.
Result<SecretBytes> LoadOrMakeKey(FileSystem& fs, const std::string& path) {
  Result<std::string> text = fs.ReadWhole(path);
  if (!text && text.error().code == ErrorCode::kNotFound) {
    SecretBytes seed = RandomSecret(kKeyBytes);
    std::string made = std::string(kKeyPrefix) + HexEncode(seed.bytes()) + "\n";
    Result<void> written = fs.WriteFileAtomically(path, made);
    Wipe(&made);
    return written ? Result<SecretBytes>(std::move(seed)) : written.error();
  }
  if (!text) {
    return text.error();
  }
  std::string_view digits(*text);
  std::optional<std::string> seed;
  if (digits.starts_with(kKeyPrefix) && digits.ends_with('\n')) {
    seed = HexDecode(digits.substr(kKeyPrefix.size(), digits.size() - kKeyPrefix.size() - 1));
  }
  if (!seed || seed->size() != kKeyBytes) {
    return Error{ErrorCode::kCorruption, path + " is not a witness's key of a known version"};
  }
  SecretBytes secret(*seed);
  Wipe(&*seed);
  Wipe(&*text);
  return secret;
}

struct OpenWitness {
  std::unique_ptr<Witness> witness;
  std::vector<LogKeys> logs;
};

Result<OpenWitness> Open(const WitnessCommand& command) {
  FileSystem& fs = RealFileSystem();
  if (Result<void> made = fs.CreateDirs(command.state_dir); !made) {
    return made.error();
  }
  Result<SecretBytes> seed = LoadOrMakeKey(fs, command.state_dir + "/witness.key");
  if (!seed) {
    return seed.error();
  }
  OpenWitness open;
  WitnessOptions options;
  options.name = command.name;
  options.signing_seed = *std::move(seed);
  for (const std::string& file : command.log_key_files) {
    Result<LogKeys> keys = LoadLogKeys(fs, file);
    if (!keys) {
      return keys.error();
    }
    options.logs.push_back(*keys);
    open.logs.push_back(*std::move(keys));
  }
  Result<std::unique_ptr<Witness>> witness =
      Witness::Open(fs, command.state_dir + "/logs", std::move(options));
  if (!witness) {
    return witness.error();
  }
  open.witness = *std::move(witness);
  const std::string key = open.witness->key().ToText() + "\n";
  if (Result<void> written = fs.WriteFileAtomically(command.state_dir + "/witness.pub", key);
      !written) {
    return written.error();
  }
  return open;
}

// "http://host:port/a/log" as the part to connect to and the path before the log's file names.
Result<FileFetch> FetchFrom(const std::string& log) {
  if (!log.starts_with("http://") && !log.starts_with("https://")) {
    return FetchFromDirectory(RealFileSystem(), log);
  }
  const size_t path = log.find('/', log.find("//") + 2);
  std::string prefix = path == std::string::npos ? "" : log.substr(path);
  if (prefix.ends_with('/')) {
    prefix.pop_back();
  }
  // A connection for each file: what serves them may be the simplest of servers.
  return FileFetch(
      [server = log.substr(0, path), prefix](const std::string& name) -> Result<std::string> {
        Result<std::unique_ptr<HttpClient>> client = HttpClient::Connect(server);
        if (!client) {
          return client.error();
        }
        HttpCall call;
        call.method = "GET";
        call.target = prefix + "/" + name;
        call.max_reply_bytes = kMaxLogFileBytes;
        Result<HttpReply> reply = (*client)->Call(call);
        if (!reply) {
          return reply.error();
        }
        if (reply->status != 200) {
          return Error{reply->status == 404 ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                       fmt::format("{}: {}", call.target, reply->status)};
        }
        return std::move(reply->body);
      });
}

Result<void> PullOnce(const WitnessCommand& command, OpenWitness* open) {
  const Result<FileFetch> fetch = FetchFrom(command.log);
  if (!fetch) {
    return fetch.error();
  }
  if (open->logs.size() != 1) {
    return Error{ErrorCode::kInvalid, "--log: give the one --log-key that it is checked with"};
  }
  const Result<std::string> cosigned = open->witness->Pull(*fetch, open->logs.front());
  if (!cosigned) {
    return cosigned.error();
  }
  if (!command.out_file.empty()) {
    return RealFileSystem().WriteFileAtomically(command.out_file, *cosigned);
  }
  fmt::print("{}", *cosigned);
  return {};
}

}  // namespace

Result<void> CommandWitness(const WitnessCommand& command) {
  if (command.listen.empty() == command.log.empty()) {
    return Error{ErrorCode::kInvalid, "either --listen or --log is required"};
  }
  Result<OpenWitness> open = Open(command);
  if (!open) {
    return open.error();
  }
  if (!command.log.empty()) {
    return PullOnce(command, &*open);
  }
  Result<std::unique_ptr<WitnessServer>> server =
      WitnessServer::Start(command.listen, open->witness.get());
  if (!server) {
    return server.error();
  }
  fmt::print("{} signs for {} logs on port {}\n", open->witness->key().ToText(), open->logs.size(),
             (*server)->port());
  std::fflush(stdout);
  WaitForStopSignal();
  return {};
}

}  // namespace bulkhead
