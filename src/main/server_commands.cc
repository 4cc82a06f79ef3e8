// init, serve, import, query.
#include <fmt/format.h>
#include <simdjson.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>

#include "base/base64.h"
#include "base/file_system.h"
#include "main/commands.h"
#include "main/confinement.h"
#include "main/http_client.h"
#include "main/import.h"
#include "main/reached_server.h"
#include "main/report_table.h"
#include "main/signals.h"
#include "model/value.h"

namespace bulkhead {
namespace {

std::string RootKeyNote(const DataDirectory& dir, const RootKeyChoice& choice) {
  if (choice.file.empty() && choice.descriptor < 0) {
    return fmt::format(
        "The root key is {}/root.key: good for a local trial. Whoever has that file and this "
        "directory has everything.",
        dir.Keys());
  }
  const Result<RootKeySource> source = FindRootKey(choice, dir.Keys());
  return source ? ReportRootKey(*source, dir.path()).text + "." : source.error().message;
}

ImportChannel ServerChannel(std::shared_ptr<HttpClient> client, const std::string& account) {
  return [client, account](std::string_view body) {
    return client->Call({.target = "/import?strict=1",
                         .content_type = "application/x-ndjson",
                         .basic = account,
                         .body = body});
  };
}

Result<void> ImportAll(const std::vector<std::string>& files, const ImportOptions& options) {
  uint64_t refused = 0;
  for (const std::string& file : files) {
    Result<ImportSummary> summary = ImportFile(file, options);
    if (!summary) {
      return summary.error();
    }
    if (summary->resumed_at_line > 0) {
      fmt::print("{}: went on after line {}\n", file, summary->resumed_at_line);
    }
    fmt::print("{}: {} events imported, {} lines refused\n", file, summary->imported,
               summary->refused);
    refused += summary->refused;
  }
  if (refused > 0) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("{} lines were refused; all others are imported", refused)};
  }
  return {};
}

Result<std::string> ReadReport(const std::string& path) {
  if (path != "-") {
    return RealFileSystem().ReadWhole(path);
  }
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

Result<std::string> AskServer(const std::string& url, const std::string& account,
                              const std::string& report) {
  Result<std::unique_ptr<HttpClient>> client = HttpClient::Connect(url);
  if (!client) {
    return client.error();
  }
  Result<HttpReply> reply =
      (*client)->Call({.target = "/api/v1/query", .basic = account, .body = report});
  if (!reply) {
    return reply.error();
  }
  if (reply->status != 200) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("the server answered {}: {}", reply->status, reply->body)};
  }
  return std::move(reply->body);
}

Result<std::string> AskDirectory(const DataDirectory& dir, const std::string& text) {
  Result<ReachedServer> server = ReachedServer::Reach(dir);
  if (!server) {
    return server.error();
  }
  if (Result<void> ready = server->WaitUntilQueryable(); !ready) {
    return ready.error();
  }
  Result<std::string> account = server->AccountWith(Compartment::kCore);
  return account ? AskServer(server->query_url(), *account, text)
                 : Result<std::string>(account.error());
}

std::string ReportKind(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view kind;
  if (parser.parse(simdjson::padded_string(text)).get(root) == simdjson::SUCCESS &&
      root["report"].get(kind) == simdjson::SUCCESS) {
    return std::string(kind);
  }
  return "";
}

// Tells commands where the server is while it runs; removed when it ends.
class AddressFile {
 public:
  AddressFile(std::string path, const std::string& url) : path_(std::move(path)) {
    if (Result<void> written = RealFileSystem().WriteFileAtomically(path_, url); !written) {
      spdlog::warn("commands will not find this server: {}", written.error().message);
    }
  }
  ~AddressFile() {
    if (Result<void> removed = RealFileSystem().Remove(path_); !removed) {
      spdlog::warn("{}", removed.error().message);
    }
  }
  AddressFile(const AddressFile&) = delete;
  AddressFile& operator=(const AddressFile&) = delete;

 private:
  std::string path_;
};

}  // namespace

Result<void> CommandInit(const DataDirectory& dir, const InitOptions& options, bool json) {
  Result<InitResult> made = InitDataDirectory(dir, options);
  if (!made) {
    return made.error();
  }
  if (json) {
    std::string path;
    AppendJsonString(dir.path(), &path);
    fmt::print(
        R"({{"project_id":{},"token":"{}","service_account":{{"username":"{}","secret":"{}"}},"data_dir":{}}})"
        "\n",
        made->project.value, made->token, made->username, made->secret, path);
    return {};
  }
  fmt::print(
      "Made {}\n  project         {} (\"{}\", {})\n  token           {}   (public: it can only "
      "write)\n"
      "  service account {}\n  secret          {}   (shown once)\n\n"
      "{}\n",
      dir.path(), made->project.value, options.project_name, options.timezone, made->token,
      made->username, made->secret, RootKeyNote(dir, options.root_key));
  return {};
}

Result<void> CommandServe(const DataDirectory& dir, const SupervisorOptions& options) {
  if (Result<void> confined = ConfineSupervisor(); !confined) {
    return confined;
  }
  Result<std::unique_ptr<Supervisor>> supervisor = Supervisor::Start(dir, options);
  if (!supervisor) {
    return supervisor.error();
  }
  const AddressFile address(dir.ServerAddress(),
                            (*supervisor)->url() + "\n" + (*supervisor)->query_url());
  spdlog::info("listening on {}", (*supervisor)->url());
  WaitForStopSignal();
  spdlog::info("stopping");
  return {};
}

Result<void> CommandImport(const DataDirectory& dir, const std::vector<std::string>& files,
                           bool quiet) {
  Result<ReachedServer> server = ReachedServer::Reach(dir);
  if (!server) {
    return server.error();
  }
  const Result<std::string> account = server->AccountWith(Compartment::kIntake);
  if (!account) {
    return account.error();
  }
  ImportOptions options;
  options.progress_dir = dir.ImportProgress();
  options.show_progress = !quiet;
  options.open_channel = [&]() -> Result<ImportChannel> {
    Result<std::unique_ptr<HttpClient>> client = HttpClient::Connect(server->url());
    if (!client) {
      return client.error();
    }
    return ServerChannel(*std::move(client), *account);
  };
  Result<void> imported = ImportAll(files, options);
  Result<void> ready = server->WaitUntilQueryable();
  return ready ? imported : ready;
}

Result<void> CommandQuery(const QueryCommand& command) {
  Result<std::string> report = ReadReport(command.report_path);
  if (!report) {
    return report.error();
  }
  const bool remote =
      command.target.starts_with("http://") || command.target.starts_with("https://");
  const char* environment = std::getenv("BULKHEAD_ACCOUNT");
  const std::string account =
      command.account.empty() && environment != nullptr ? environment : command.account;
  Result<std::string> answer = remote ? AskServer(command.target, account, *report)
                                      : AskDirectory(DataDirectory(command.target), *report);
  if (!answer) {
    return answer.error();
  }
  if (command.format == "json") {
    fmt::print("{}\n", *answer);
    return {};
  }
  Result<Table> table = TableOfAnswer(ReportKind(*report), *answer);
  if (!table) {
    return table.error();
  }
  fmt::print("{}", command.format == "csv" ? FormatCsv(*table) : FormatTable(*table));
  return {};
}

}  // namespace bulkhead
