#include "main/notice_files.h"

#include <fmt/format.h>

#include <utility>

#include "base/file_system.h"
#include "incident/incident_view.h"
#include "main/incident_ask.h"

namespace bulkhead {
namespace {

Result<void> WriteDrafts(const std::string& dir, const std::vector<Notice>& drafts) {
  if (Result<void> made = RealFileSystem().CreateDirs(dir); !made) {
    return made;
  }
  for (const Notice& draft : drafts) {
    for (const auto& [ending, text] :
         {std::pair("txt", &draft.text), std::pair("html", &draft.html)}) {
      const std::string path = fmt::format("{}/{}.{}", dir, NoticeKindName(draft.kind), ending);
      if (Result<void> written = RealFileSystem().WriteFileAtomically(path, *text); !written) {
        return written;
      }
    }
  }
  return {};
}

}  // namespace

Result<WrittenNotices> WriteNotices(const ReachedServer& server, const std::string& incident,
                                    const std::string& dir) {
  const Result<ServerAnswer> answer = AskIncident(server, {"notices", {{"id", incident}}, {}, {}});
  const Result<IncidentVersion> version =
      answer ? AnswerRecord(answer->root()) : Result<IncidentVersion>(answer.error());
  // The same drafts as those whose hashes were written down: they follow from the record.
  Result<std::vector<Notice>> drafts =
      version ? DraftNotices(*version) : Result<std::vector<Notice>>(version.error());
  const Result<void> written = drafts ? WriteDrafts(dir, *drafts) : Result<void>(drafts.error());
  if (!written) {
    return written.error();
  }
  return WrittenNotices{*std::move(drafts), version->number, NumberMember(answer->root(), "entry")};
}

}  // namespace bulkhead
