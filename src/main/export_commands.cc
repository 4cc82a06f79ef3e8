#include "main/export_commands.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "base/base64.h"
#include "base/file_system.h"
#include "base/hex.h"
#include "crypto/crypto.h"
#include "main/reached_server.h"
#include "model/ids.h"
#include "model/value.h"

namespace bulkhead {
namespace {

constexpr std::string_view kKeyPrefix = "bulkhead-export-key-1:";  // public key, private key

Result<SealKeyPair> LoadKeyPair(const std::string& path) {
  Result<std::string> text = RealFileSystem().ReadWhole(path);
  if (!text) {
    return text.error();
  }
  std::optional<std::string> bytes;
  if (text->starts_with(kKeyPrefix) && text->ends_with('\n')) {
    bytes = HexDecode(
        std::string_view(*text).substr(kKeyPrefix.size(), text->size() - kKeyPrefix.size() - 1));
  }
  Wipe(&*text);
  SealKeyPair pair;
  if (!bytes || bytes->size() != 2 * pair.public_key.size()) {
    return Error{ErrorCode::kInvalid, path + " is not a key of `vault export new-key`"};
  }
  const auto half = bytes->begin() + static_cast<std::ptrdiff_t>(pair.public_key.size());
  std::copy(bytes->begin(), half, pair.public_key.begin());
  pair.private_key = SecretBytes(std::string_view(*bytes).substr(pair.public_key.size()));
  Wipe(&*bytes);
  return pair;
}

std::string MakeCommand(const char* kind, const BulkExportCommand& command,
                        const std::string& after = "") {
  std::string json = fmt::format(R"({{"command":"{}","project":{})", kind, command.project);
  for (const auto& [name, text] :
       {std::pair("purpose", &command.purpose), std::pair("reference", &command.reference),
        std::pair("recipient", &command.recipient), std::pair("export", &command.export_id),
        std::pair("after", &after)}) {
    if (!text->empty()) {
      json += fmt::format(",\"{}\":", name);
      AppendJsonString(*text, &json);
    }
  }
  json += ",\"fields\":[";
  for (const std::string& field : command.fields) {
    json += json.back() == '[' ? "" : ",";
    AppendJsonString(field, &json);
  }
  return json + (command.history ? "],\"history\":true}" : "]}");
}

std::string TimeText(int64_t ms) {
  return fmt::format("{:%Y-%m-%d %H:%M UTC}", fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
}

Result<void> PrintExport(const simdjson::dom::element& info) {
  std::string_view id;
  std::string_view actor;
  std::string_view purpose;
  std::string_view state;
  int64_t due_ms = 0;
  if (info["export"].get(id) != simdjson::SUCCESS ||
      info["actor"].get(actor) != simdjson::SUCCESS ||
      info["purpose"].get(purpose) != simdjson::SUCCESS ||
      info["state"].get(state) != simdjson::SUCCESS ||
      info["due_ms"].get(due_ms) != simdjson::SUCCESS) {
    return UnreadableAnswer();
  }
  std::string_view vetoed_by;
  const bool vetoed = info["vetoed_by"].get(vetoed_by) == simdjson::SUCCESS;
  fmt::print("{}  {}{}, due {}, asked for by {}: {}\n", id, state,
             vetoed ? fmt::format(" by {}", vetoed_by) : "", TimeText(due_ms), actor, purpose);
  return {};
}

// Asks, and prints the export or the exports that come back.
Result<void> AskAndPrint(const char* kind, const BulkExportCommand& command) {
  Result<ReachedServer> server = ReachedServer::Reach(DataDirectory(command.dir));
  Result<std::string> answer =
      server ? server->Command(MakeCommand(kind, command)) : server.error();
  if (!answer) {
    return answer.error();
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(simdjson::padded_string(*answer)).get(root) != simdjson::SUCCESS) {
    return UnreadableAnswer();
  }
  simdjson::dom::array all;
  if (root.get(all) != simdjson::SUCCESS) {
    return PrintExport(root);
  }
  for (const simdjson::dom::element info : all) {
    if (Result<void> printed = PrintExport(info); !printed) {
      return printed;
    }
  }
  return {};
}

struct Page {
  std::string sealed;
  std::string last;
  uint64_t subjects = 0;
};

Result<Page> AskForPage(const ReachedServer& server, const BulkExportCommand& command,
                        const std::string& after) {
  Result<std::string> answer = server.Command(MakeCommand("export-page", command, after));
  if (!answer) {
    return answer.error();
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view sealed;
  std::string_view last;
  Page page;
  if (parser.parse(simdjson::padded_string(*answer)).get(root) != simdjson::SUCCESS ||
      root["sealed"].get(sealed) != simdjson::SUCCESS ||
      root["last"].get(last) != simdjson::SUCCESS ||
      root["subjects"].get(page.subjects) != simdjson::SUCCESS) {
    return UnreadableAnswer();
  }
  std::optional<std::string> bytes = Base64DecodeStrict(sealed);
  if (!bytes) {
    return UnreadableAnswer();
  }
  page.sealed = *std::move(bytes);
  page.last = last;
  return page;
}

// Opens page by page into a file of its own, which is whole and on the disk when this returns; how
// many subjects are in it.
Result<uint64_t> WritePages(const ReachedServer& server, const BulkExportCommand& command,
                            const SealKeyPair& pair, const std::string& path) {
  FileSystem& fs = RealFileSystem();
  if (fs.Exists(path)) {  // of an attempt that was cut off
    if (Result<void> removed = fs.Remove(path); !removed) {
      return removed.error();
    }
  }
  const Result<std::unique_ptr<AppendFile>> file = fs.OpenAppend(path);
  if (!file) {
    return file.error();
  }
  uint64_t subjects = 0;
  for (std::string after;;) {
    const Result<Page> page = AskForPage(server, command, after);
    if (!page) {
      return page.error();
    }
    if (page->subjects == 0) {
      break;
    }
    const Result<SecretBytes> opened = Unseal(pair.public_key, pair.private_key, page->sealed);
    if (!opened) {
      return Error{opened.error().code, "the export is not for this key"};
    }
    if (Result<void> written = (*file)->Append(opened->view()); !written) {
      return written.error();
    }
    subjects += page->subjects;
    after = page->last;
  }
  const Result<void> synced = (*file)->Sync();
  return synced ? Result<uint64_t>(subjects) : synced.error();
}

}  // namespace

Result<void> CommandExportKey(const BulkExportCommand& command) {
  FileSystem& fs = RealFileSystem();
  if (fs.Exists(command.key_file)) {
    return Error{ErrorCode::kInvalid, command.key_file + " is there already"};
  }
  const SealKeyPair pair = GenerateSealKeyPair();
  const std::string_view secret = pair.private_key.view();
  std::string text(kKeyPrefix);
  text += HexEncode(pair.public_key);
  text += HexEncode({reinterpret_cast<const uint8_t*>(secret.data()), secret.size()}) + "\n";
  Result<void> written = fs.WriteFileAtomically(command.key_file, text);
  Wipe(&text);
  if (written) {
    fmt::print("{}\n", HexEncode(pair.public_key));
  }
  return written;
}

Result<void> CommandExportAsk(const BulkExportCommand& command) {
  return AskAndPrint("export-ask", command);
}

Result<void> CommandExportList(const BulkExportCommand& command) {
  return AskAndPrint("export-list", command);
}

Result<void> CommandExportVeto(const BulkExportCommand& command) {
  return AskAndPrint("export-veto", command);
}

Result<void> CommandExportCollect(const BulkExportCommand& command) {
  FileSystem& fs = RealFileSystem();
  if (fs.Exists(command.out_file)) {
    return Error{ErrorCode::kInvalid, command.out_file + " is there already"};
  }
  const Result<SealKeyPair> pair = LoadKeyPair(command.key_file);
  if (!pair) {
    return pair.error();
  }
  const Result<ReachedServer> server = ReachedServer::Reach(DataDirectory(command.dir));
  if (!server) {
    return server.error();
  }
  const std::string part = command.out_file + ".part";
  Result<uint64_t> subjects = WritePages(*server, command, *pair, part);
  if (!subjects) {
    static_cast<void>(fs.Remove(part).has_value());  // it may not be there
    return subjects.error();
  }
  if (Result<void> named = fs.Rename(part, command.out_file); !named) {
    return named;
  }
  const size_t slash = command.out_file.rfind('/');
  if (Result<void> synced =
          fs.SyncDir(slash == std::string::npos ? "." : command.out_file.substr(0, slash + 1));
      !synced) {
    return synced;
  }
  fmt::print("{} subjects in {}\n", *subjects, command.out_file);
  return {};
}

}  // namespace bulkhead
