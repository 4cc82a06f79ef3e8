// How the commands about incidents ask the server (main/incident_desk.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "incident/fact_changes.h"
#include "incident/incident_record.h"
#include "incident/obligations.h"
#include "main/reached_server.h"
#include "main/server_answer.h"

namespace bulkhead {

struct IncidentAsk {
  std::string_view kind;  // without "incident-"
  // What is empty or zero is left out.
  std::vector<std::pair<const char*, std::string>> texts;
  std::vector<std::pair<const char*, uint64_t>> numbers;
  std::vector<const char*> flags;  // that are set
};
Result<ServerAnswer> AskIncident(const ReachedServer& server, const IncidentAsk& ask);
// The same of another desk, such as "notice".
Result<ServerAnswer> AskDesk(const ReachedServer& server, std::string_view desk,
                             const IncidentAsk& ask);

// A text member that is base64. kBug: it is none.
Result<std::string> AnswerBytes(const simdjson::dom::element& answer, const char* name);
// The record that an answer, or one item of it, holds.
Result<IncidentVersion> AnswerRecord(const simdjson::dom::element& answer);
Result<std::vector<IncidentVersion>> AnswerRecords(const simdjson::dom::element& answer);

Result<IncidentVersion> AskRecord(const ReachedServer& server, const IncidentAsk& ask);

struct FactsAsk {
  std::string id;
  FactChanges changes;
  std::string why;
};
// The version that has these changes laid over the facts of the last one.
Result<IncidentVersion> AskFacts(const ReachedServer& server, const FactsAsk& ask,
                                 const Obligations& obligations);

// A file that was not there before, for its owner alone. kInvalid: it is there.
Result<std::unique_ptr<AppendFile>> MakeNewFile(const std::string& path);

}  // namespace bulkhead
