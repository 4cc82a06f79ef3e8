#include "main/drill.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "incident/calendar.h"
#include "main/drill_run.h"
#include "main/temporary_directory.h"

namespace bulkhead {
namespace {

namespace files = std::filesystem;

Result<std::string> OutputOf(const DrillOptions& options) {
  const std::string out =
      options.out.empty()
          ? "drill-report-" + FormatDay(static_cast<int32_t>(SystemClock().NowMs() / kDayMs))
          : options.out;
  std::error_code code;
  if (files::exists(out, code) && !files::is_empty(out, code)) {
    return Error{ErrorCode::kInvalid, out + " is there already, and not empty"};
  }
  return out;
}

Result<void> WriteReports(const DrillReport& report, const std::string& dir) {
  const Result<std::string> pdf = RenderDrillPdf(report);
  if (!pdf) {
    return pdf.error();
  }
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"report.html", RenderDrillHtml(report)},
      {"report.pdf", *pdf},
      {"drill.json", DrillReportJson(report) + "\n"}};
  for (const auto& [name, text] : texts) {
    if (Result<void> written = RealFileSystem().WriteFileAtomically(dir + "/" + name, text);
        !written) {
      return written;
    }
  }
  return {};
}

// To where it stays, once all of it is there.
Result<void> MoveTo(const std::string& from, const std::string& out) {
  std::error_code code;
  files::create_directories(out, code);
  if (!code) files::copy(from, out, files::copy_options::recursive, code);
  return code ? Error{ErrorCode::kUnavailable, "cannot write " + out + ": " + code.message()}
              : Result<void>();
}

// What the drill is to show and did not.
Result<void> Judge(const DrillReport& report) {
  if (report.IsLedgerShort()) {
    return Error{ErrorCode::kBug, "the ledger told of less than the vendor has"};
  }
  if (report.kill.received_after > 0) {
    return Error{ErrorCode::kBug, "the vendor received something after it was killed"};
  }
  if (!report.match.attributed || *report.match.attributed != report.seen) {
    return Error{ErrorCode::kBug, "the stolen file was not attributed to the canary's vendor"};
  }
  for (const DrillSearch& search : report.searches) {
    if (search.in_stolen > 0) {
      return Error{ErrorCode::kBug, "the stolen file has " + search.what + " of people"};
    }
  }
  return {};
}

}  // namespace

Result<void> RunDrill(const DrillOptions& options) {
  const Result<std::string> out = OutputOf(options);
  if (!out) {
    return out.error();
  }
  const Result<TemporaryDirectory> kept = TemporaryDirectory::Make("drill-report");
  if (!kept) {
    return kept.error();
  }
  const std::string dir = kept->path() + "/report";
  if (Result<void> made = RealFileSystem().CreateDirs(dir); !made) {
    return made;
  }
  DrillRun run(dir, options.json ? stderr : stdout);
  if (Result<void> played = run.Play(options.events, options.people); !played) {
    return played;
  }
  run.Finish();
  Result<void> written = WriteReports(run.report(), dir);
  if (written) written = MoveTo(dir, *out);
  if (!written) {
    return written;
  }
  if (options.json) {
    fmt::print("{}\n", DrillReportJson(run.report()));
  } else {
    fmt::print("\n{0}/report.html and {0}/report.pdf\n", *out);
  }
  return Judge(run.report());
}

}  // namespace bulkhead
