#include "main/incident_match.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "base/hex.h"
#include "crypto/sha256_stream.h"
#include "incident/incident_text.h"
#include "main/incident_ask.h"
#include "main/incident_commands.h"
#include "main/incident_pages.h"

namespace bulkhead {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;
constexpr uint64_t kMostIds = 32'000'000;

struct Known {
  std::vector<DumpCanary> canaries;
  std::vector<DumpSource> sources;
  std::vector<DumpSource> without_key;
  std::vector<DumpMatcher::KnownId> ids;
};

Result<VendorIdPage> AskPage(const ReachedServer& server, const DumpSource& source,
                             const std::string& after, bool with_subjects) {
  IncidentAsk ask{
      "ids", {{"vendor", source.vendor}, {"after", after}}, {{"epoch", source.epoch}}, {}};
  if (with_subjects) ask.flags.push_back("subjects");
  const Result<ServerAnswer> answer = AskIncident(server, ask);
  const Result<std::string> bytes =
      answer ? AnswerBytes(answer->root(), "page") : Result<std::string>(answer.error());
  return bytes ? DecodeVendorIdPage(*bytes) : bytes.error();
}

Result<void> AddIds(const ReachedServer& server, bool with_subjects, Known* known) {
  for (uint32_t i = 0; i < known->sources.size(); ++i) {
    std::string after;
    bool more = true;
    while (more) {
      const Result<VendorIdPage> page = AskPage(server, known->sources[i], after, with_subjects);
      if (!page) {
        return page.error();
      }
      for (const VendorIdPage::Entry& one : page->ids) {
        known->ids.push_back({i, one.vendor_id, one.subject});
      }
      if (known->ids.size() > kMostIds) {
        return Error{ErrorCode::kLimit, "more ids than fit: name a vendor to look for"};
      }
      more = page->more && !page->ids.empty();
      if (more) after = page->ids.back().vendor_id.ToHex();
    }
  }
  return {};
}

// Named by their numbers.
Result<void> AddCanaries(const ReachedServer& server, Known* known) {
  for (const DumpSource& source : known->sources) {
    const Result<ServerAnswer> answer = AskIncident(
        server, {"canaries", {{"vendor", source.vendor}}, {{"epoch", source.epoch}}, {}});
    const Result<std::string> bytes =
        answer ? AnswerBytes(answer->root(), "page") : Result<std::string>(answer.error());
    const Result<CanaryPage> page =
        bytes ? DecodeCanaryPage(*bytes) : Result<CanaryPage>(bytes.error());
    if (!page) {
      return page.error();
    }
    for (size_t number = 0; number < page->canaries.size(); ++number) {
      const CanaryPage::Entry& one = page->canaries[number];
      known->canaries.push_back({std::to_string(number), source, one.vendor_id, one.address});
    }
  }
  return {};
}

Result<Known> AskKnown(const ReachedServer& server, const LeakedFile& file) {
  const Result<ServerAnswer> answer = AskIncident(server, {"sources", {}, {}, {}});
  if (!answer) {
    return answer.error();
  }
  Known known;
  for (const simdjson::dom::element item : ListOf(answer->root())) {
    const DumpSource source{TextMember(item, "vendor"),
                            static_cast<uint32_t>(NumberMember(item, "epoch"))};
    if (!file.vendor.empty() && file.vendor != source.vendor) continue;
    (FlagMember(item, "key") ? known.sources : known.without_key).push_back(source);
  }
  Result<void> added = AddIds(server, file.with_subjects, &known);
  if (added) added = AddCanaries(server, &known);
  return added ? Result<Known>(std::move(known)) : added.error();
}

Result<DumpReport> ReadLeaked(const std::string& path, DumpMatcher* matcher, Sha256Stream* digest) {
  const Result<std::unique_ptr<ReadFile>> file = RealFileSystem().OpenRead(path);
  if (!file) {
    return file.error();
  }
  for (uint64_t offset = 0;;) {
    const Result<std::string> bytes = (*file)->ReadAt(offset, kReadBytes);
    if (!bytes) {
      return bytes.error();
    }
    if (bytes->empty()) return matcher->Finish();
    matcher->Feed(*bytes);
    digest->Add(*bytes);
    offset += bytes->size();
  }
}

// Each subject once, whatever sources it was found at.
Result<void> WriteSubjects(const std::string& path, const DumpReport& report) {
  std::set<SubjectId> subjects;
  for (const SourceMatches& one : report.sources) {
    subjects.insert(one.subjects.begin(), one.subjects.end());
  }
  const Result<std::unique_ptr<AppendFile>> file = MakeNewFile(path);
  if (!file) {
    return file.error();
  }
  std::string text;
  for (const SubjectId& subject : subjects) text += subject.ToHex() + "\n";
  Result<void> written = (*file)->Append(text);
  return written ? (*file)->Sync() : written;
}

// What was found, as the facts of an incident of what it is from.
Result<void> OpenForFile(const ReachedServer& server, const IncidentCommand& command,
                         const LeakedFileMatch& match) {
  const DumpReport& report = match.report;
  if (!report.attributed) {
    return Error{ErrorCode::kNotFound, "no incident is opened: the file is from no single source"};
  }
  const SourceMatches& found = report.sources.front();
  const std::string name = std::filesystem::path(command.leaked_file).filename();
  const Result<ServerAnswer> answer = AskIncident(
      server, {"open",
               {{"vendor", found.source.vendor},
                {"file", name},
                {"sha256", HexEncode(match.sha256)},
                {"title", command.title.empty() ? "a leaked file, " + name : command.title}},
               {{"epoch", found.source.epoch},
                {"bytes", report.bytes},
                {"records", report.records},
                {"genuine", report.genuine_records},
                {"subjects", found.MatchedSubjects()},
                {"canaries", found.canaries.size()}},
               {}});
  const Result<IncidentVersion> opened =
      answer ? AnswerRecord(answer->root()) : Result<IncidentVersion>(answer.error());
  if (!opened) {
    return opened.error();
  }
  // With --json the report alone is for programs.
  fmt::print(command.json ? stderr : stdout, "{}\n", IncidentLine(*opened));
  return {};
}

}  // namespace

Result<LeakedFileMatch> MatchLeakedFile(const ReachedServer& server, const LeakedFile& file) {
  const Result<Known> known = AskKnown(server, file);
  if (!known) {
    return known.error();
  }
  if (known->sources.empty()) {
    return Error{ErrorCode::kNotFound, "nothing was sent to a vendor whose ids can be computed"};
  }
  DumpMatcher::Parts parts;
  parts.sources = known->sources;
  parts.known = known->ids;
  parts.canaries = known->canaries;
  parts.max_ids = kMostIds;
  Sha256Stream digest;
  const Result<std::unique_ptr<DumpMatcher>> matcher = DumpMatcher::Create(parts);
  const Result<DumpReport> report = matcher ? ReadLeaked(file.path, matcher->get(), &digest)
                                            : Result<DumpReport>(matcher.error());
  return report ? Result<LeakedFileMatch>({*report, known->without_key, digest.Digest()})
                : report.error();
}

Result<void> CommandIncidentMatch(const IncidentCommand& command) {
  const Result<ReachedServer> server = ReachedServer::Reach(DataDirectory(command.dir));
  const Result<LeakedFileMatch> match =
      server ? MatchLeakedFile(*server, {command.leaked_file, command.vendor, !command.out.empty()})
             : Result<LeakedFileMatch>(server.error());
  if (!match) {
    return match.error();
  }
  const DumpReport& report = match->report;
  fmt::print("{}", command.json ? DumpReportJson(report) + "\n" : RenderDumpReport(report));
  for (const DumpSource& source : match->without_key) {
    fmt::print(stderr, "{} epoch {} was not looked for: its key is destroyed\n", source.vendor,
               source.epoch);
  }
  Result<void> written = command.out.empty() ? Result<void>() : WriteSubjects(command.out, report);
  return written && command.open ? OpenForFile(*server, command, *match) : written;
}

}  // namespace bulkhead
