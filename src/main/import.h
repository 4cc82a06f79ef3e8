// `bulkhead import`: NDJSON files as Mixpanel exports them, plain or gzip, sent through intake like
// any other event. A file's progress is kept beside the data, so that an interrupted import goes on
// where it stopped; lines without a $insert_id get one from their file and line, so that nothing
// counts twice even where an answer was lost.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "main/http_client.h"

namespace bulkhead {

// Sends one NDJSON body to /import and waits for the answer; each worker thread has one of its own.
using ImportChannel = std::function<Result<HttpReply>(std::string_view body)>;

struct ImportOptions {
  std::string progress_dir;
  std::function<Result<ImportChannel>()> open_channel;
  int workers = 4;
  bool show_progress = true;
};

struct ImportSummary {
  uint64_t lines = 0;
  uint64_t imported = 0;
  uint64_t refused = 0;
  uint64_t resumed_at_line = 0;
};

// Refused lines are named on stderr by number and reason, the first hundred of a file.
Result<ImportSummary> ImportFile(const std::string& path, const ImportOptions& options);

}  // namespace bulkhead
