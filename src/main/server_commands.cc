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
#include "main/descriptor_limit.h"
#include "main/http_client.h"
#include "main/import.h"
#include "main/report_table.h"
#include "main/service.h"
#include "main/signals.h"
#include "model/value.h"
#include "wire/report_parser.h"

namespace bulkhead {
namespace {

Result<std::string> FirstToken(const DataDirectory& dir) {
  const Result<CoreKeys> keys = LoadCoreKeys(RealFileSystem(), dir.Keys());
  if (!keys) {
    return keys.error();
  }
  Result<std::unique_ptr<Catalogue>> catalogue =
      OpenCatalogue(dir, keys->catalogue_keys, CatalogueMode::kReadWrite);
  if (!catalogue) {
    return catalogue.error();
  }
  const std::vector<Project> projects = (*catalogue)->ListProjects();
  if (projects.empty()) {
    return Error{ErrorCode::kNotFound, "the data directory has no project"};
  }
  return projects.front().token;
}

// Through the running server's listener, or through intake in this process.
ImportChannel ServerChannel(std::shared_ptr<HttpClient> client, const std::string& token) {
  return [client, token](std::string_view body) {
    return client->Call({.target = "/import?strict=1",
                         .content_type = "application/x-ndjson",
                         .basic = token + ":",
                         .body = body});
  };
}

ImportChannel LocalChannel(Intake* intake, const std::string& token) {
  const std::string authorization = "Basic " + Base64Encode(token + ":");
  return [intake, authorization](std::string_view body) -> Result<HttpReply> {
    IngestRequest request;
    request.endpoint = IngestRequest::kImport;
    request.method = "POST";
    request.query = "strict=1";
    request.content_type = "application/x-ndjson";
    request.body = body;
    request.authorization = authorization;
    std::promise<IngestResponse> answered;
    intake->Accept(request,
                   [&](IngestResponse response) { answered.set_value(std::move(response)); });
    IngestResponse response = answered.get_future().get();
    return HttpReply{response.status, std::move(response.body)};
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
  if (Result<std::string> address = RealFileSystem().ReadWhole(dir.ServerAddress()); address) {
    Result<std::string> account = RealFileSystem().ReadWhole(dir.CommandAccount());
    return account ? AskServer(*address, *account, text) : Result<std::string>(account.error());
  }
  Result<Report> report = ParseReport(text);
  if (!report) {
    return report.error();
  }
  Result<std::unique_ptr<Service>> service = Service::Open(dir);
  if (!service) {
    return service.error();
  }
  if (!(*service)->WaitUntilQueryable(600'000)) {
    return Error{ErrorCode::kUnavailable, "the store did not catch up with the log"};
  }
  const QueryEngine* engine = (*service)->engine(ProjectOf(*report));
  if (engine == nullptr) {
    return Error{ErrorCode::kNotFound, "project_id: no such project"};
  }
  return engine->Run(*report);
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
      "The root key is {}/root.key: good for a local trial. Whoever has that file and this "
      "directory has everything.\n",
      dir.path(), made->project.value, options.project_name, options.timezone, made->token,
      made->username, made->secret, dir.Keys());
  return {};
}

Result<void> CommandServe(const DataDirectory& dir, const ServerOptions& listen,
                          const std::string& console) {
  Result<std::unique_ptr<Service>> service = Service::Open(dir);
  if (!service) {
    return service.error();
  }
  ServerOptions options = listen;
  options.max_connections =
      ConnectionsPerListener(options.max_connections, console.empty() ? 1 : 2);
  options.access_log = [](const AccessLine& line) {
    if (line.status >= 500) {
      spdlog::warn("{} {} {} {} us", line.method, line.route, line.status, line.duration_us);
    }
  };
  Result<uint16_t> port = (*service)->Listen(options);
  if (!port) {
    return port.error();
  }
  if (!console.empty()) {
    ServerOptions second = options;
    second.listen = console;
    if (Result<uint16_t> listening = (*service)->Listen(second); !listening) {
      return listening.error();
    }
  }
  if (Result<void> control = (*service)->OpenControlSocket(); !control) {
    return control;
  }
  const std::string host = options.listen.substr(0, options.listen.rfind(':'));
  const std::string url = fmt::format(
      "{}://{}:{}", options.tls_certificate_path.empty() ? "http" : "https", host, *port);
  const AddressFile address(dir.ServerAddress(), url);
  spdlog::info("listening on {}", url);
  WaitForStopSignal();
  spdlog::info("stopping");
  return {};
}

Result<void> CommandImport(const DataDirectory& dir, const std::vector<std::string>& files,
                           bool quiet) {
  Result<std::string> token = FirstToken(dir);
  if (!token) {
    return token.error();
  }
  ImportOptions options;
  options.progress_dir = dir.ImportProgress();
  options.show_progress = !quiet;
  if (Result<std::string> address = RealFileSystem().ReadWhole(dir.ServerAddress()); address) {
    options.open_channel = [&]() -> Result<ImportChannel> {
      Result<std::unique_ptr<HttpClient>> client = HttpClient::Connect(*address);
      if (!client) {
        return client.error();
      }
      return ServerChannel(*std::move(client), *token);
    };
    return ImportAll(files, options);
  }
  Result<std::unique_ptr<Service>> service = Service::Open(dir);
  if (!service) {
    return service.error();
  }
  options.open_channel = [&]() -> Result<ImportChannel> {
    return LocalChannel(&(*service)->intake(), *token);
  };
  Result<void> imported = ImportAll(files, options);
  if (!(*service)->WaitUntilQueryable(600'000)) {
    return Error{ErrorCode::kUnavailable,
                 "the store did not catch up with the log; the events are durable there"};
  }
  return imported;
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
