#include "main/import.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "main/import_progress.h"
#include "main/line_reader.h"

namespace bulkhead {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kBatchBytes = 4UL << 20;
constexpr size_t kQueuedBatches = 8;
constexpr size_t kNamedRefusals = 100;
constexpr int kSendAttempts = 8;

struct ImportBatch {
  uint64_t number = 0;
  std::string body;                    // NDJSON
  std::vector<uint64_t> line_numbers;  // of each record, for naming what was refused
  uint64_t end_offset = 0;
  uint64_t end_lines = 0;
};

// A line without $insert_id gets one, so that sending it again cannot count it twice.
void AppendRecord(const std::string& line, const std::string& file_key, uint64_t line_number,
                  std::string* body) {
  const size_t properties = line.find("\"properties\"");
  const size_t brace =
      properties == std::string::npos ? std::string::npos : line.find('{', properties);
  if (brace != std::string::npos && line.find("\"$insert_id\"") == std::string::npos) {
    const size_t first = line.find_first_not_of(" \t", brace + 1);
    const bool empty = first != std::string::npos && line[first] == '}';
    body->append(line, 0, brace + 1);
    body->append(
        fmt::format(R"("$insert_id":"i{}-{}"{})", file_key, line_number, empty ? "" : ","));
    body->append(line, brace + 1);
  } else {
    body->append(line);
  }
  body->push_back('\n');
}

class Importer {
 public:
  Importer(const std::string& path, const ImportOptions& options, ImportProgress progress)
      : path_(path), options_(options), progress_(std::move(progress)) {
    summary_.resumed_at_line = progress_.lines();
    summary_.lines = progress_.lines();
  }

  Result<ImportSummary> Run() {
    Result<std::unique_ptr<LineReader>> reader = LineReader::Open(path_, progress_.offset());
    if (!reader) {
      return reader.error();
    }
    started_ = SteadyClock::now();
    std::vector<std::thread> workers;
    for (int i = 0; i < options_.workers; ++i) {
      workers.emplace_back([this] { Work(); });
    }
    Result<void> read = ReadAll(**reader);
    {
      const std::lock_guard lock(mutex_);
      reading_done_ = true;
    }
    changed_.notify_all();
    for (std::thread& worker : workers) {
      worker.join();
    }
    if (Result<void> saved = progress_.Save(); !saved) {
      return saved.error();
    }
    ShowProgress(**reader, true);
    if (failure_) {
      return *failure_;
    }
    if (!read) {
      return read.error();
    }
    return summary_;
  }

 private:
  Result<void> ReadAll(LineReader& reader) {
    ImportBatch batch;
    for (;;) {
      Result<std::optional<std::string>> line = reader.Next();
      if (!line && line.error().code != ErrorCode::kLimit) {
        return line.error();
      }
      if (line && !line->has_value()) {
        break;
      }
      ++summary_.lines;
      if (!line) {
        Refuse(summary_.lines, line.error().message);
      } else if (!(*line)->empty()) {
        AppendRecord(**line, progress_.file_key(), summary_.lines, &batch.body);
        batch.line_numbers.push_back(summary_.lines);
      }
      if (batch.line_numbers.size() == limits::kMaxEventsPerRequest ||
          batch.body.size() >= kBatchBytes) {
        if (!Push(&batch, reader)) {
          return {};
        }
      }
    }
    Push(&batch, reader);
    return {};
  }

  // False when a worker has failed for good.
  bool Push(ImportBatch* batch, LineReader& reader) {
    batch->number = batches_++;
    batch->end_offset = reader.offset();
    batch->end_lines = summary_.lines;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return queue_.size() < kQueuedBatches || failure_; });
    if (failure_) {
      return false;
    }
    queue_.push_back(std::move(*batch));
    *batch = ImportBatch{};
    lock.unlock();
    changed_.notify_all();
    ShowProgress(reader, false);
    return true;
  }

  void Work() {
    Result<ImportChannel> channel = options_.open_channel();
    if (!channel) {
      Fail(channel.error());
      return;
    }
    for (;;) {
      ImportBatch batch;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !queue_.empty() || reading_done_ || failure_; });
        if (queue_.empty() || failure_) {
          return;
        }
        batch = std::move(queue_.front());
        queue_.pop_front();
      }
      changed_.notify_all();
      if (Result<void> sent = Send(*channel, batch); !sent) {
        Fail(sent.error());
        return;
      }
    }
  }

  Result<void> Send(const ImportChannel& channel, const ImportBatch& batch) {
    if (batch.line_numbers.empty()) {
      return Acknowledge(batch, 0);
    }
    Error last{ErrorCode::kUnavailable, "nothing was sent"};
    for (int attempt = 0; attempt < kSendAttempts; ++attempt) {
      if (attempt > 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100 << attempt));
      }
      Result<HttpReply> reply = channel(batch.body);
      if (!reply) {
        return reply.error();
      }
      if (reply->status == 200 || reply->status == 400) {
        return TakeAnswer(batch, *reply);
      }
      last = Error{ErrorCode::kUnavailable, fmt::format("the server answered {}", reply->status)};
      if (reply->status != 429 && reply->status != 502 && reply->status != 503) {
        break;
      }
    }
    return last;
  }

  Result<void> TakeAnswer(const ImportBatch& batch, const HttpReply& reply) {
    simdjson::dom::parser parser;
    simdjson::dom::element answer;
    uint64_t imported = 0;
    if (parser.parse(reply.body).get(answer) != simdjson::SUCCESS ||
        answer["num_records_imported"].get(imported) != simdjson::SUCCESS) {
      return Error{
          ErrorCode::kUnavailable,
          fmt::format("the server answered {} in a form that is not /import's", reply.status)};
    }
    simdjson::dom::array failed;
    if (answer["failed_records"].get(failed) == simdjson::SUCCESS) {
      for (const simdjson::dom::element record : failed) {
        uint64_t index = 0;
        std::string_view message = "refused";
        if (record["index"].get(index) == simdjson::SUCCESS && index < batch.line_numbers.size()) {
          [[maybe_unused]] const auto found = record["message"].get(message);
          Refuse(batch.line_numbers[index], message);
        }
      }
    }
    return Acknowledge(batch, imported);
  }

  Result<void> Acknowledge(const ImportBatch& batch, uint64_t imported) {
    const std::lock_guard lock(mutex_);
    summary_.imported += imported;
    progress_.Acknowledge(batch.number, batch.end_offset, batch.end_lines);
    const auto now = SteadyClock::now();
    if (now - saved_ > std::chrono::seconds(1)) {
      saved_ = now;
      return progress_.Save();
    }
    return {};
  }

  void Refuse(uint64_t line, std::string_view why) {
    const std::lock_guard lock(refusals_);
    if (++summary_.refused <= kNamedRefusals) {
      fmt::print(stderr, "\r{}:{}: {}\n", path_, line, why);
    }
  }

  void Fail(const Error& error) {
    {
      const std::lock_guard lock(mutex_);
      failure_ = error;
    }
    changed_.notify_all();
  }

  void ShowProgress(const LineReader& reader, bool last) {
    const auto now = SteadyClock::now();
    if (!options_.show_progress || (!last && now - shown_ < std::chrono::milliseconds(200))) {
      return;
    }
    shown_ = now;
    const double seconds = std::max(1e-3, std::chrono::duration<double>(now - started_).count());
    const double share = progress_.file_bytes() == 0
                             ? 1.0
                             : static_cast<double>(reader.compressed_offset()) /
                                   static_cast<double>(progress_.file_bytes());
    const int filled = static_cast<int>(std::clamp(share, 0.0, 1.0) * 30);
    const double rate = static_cast<double>(summary_.lines - summary_.resumed_at_line) / seconds;
    fmt::print(stderr, "\r[{:<30}] {:3.0f} %  {} lines  {:.0f} lines/s{}",
               std::string(static_cast<size_t>(filled), '='), std::clamp(share, 0.0, 1.0) * 100,
               summary_.lines, rate, last ? "\n" : "");
    std::fflush(stderr);
  }

  const std::string& path_;
  const ImportOptions& options_;
  ImportProgress progress_;
  uint64_t batches_ = 0;
  ImportSummary summary_;
  SteadyClock::time_point started_, shown_, saved_;

  std::mutex refusals_;
  std::mutex mutex_;  // guards the queue, the flags, progress_ and summary_.imported
  std::condition_variable changed_;
  std::deque<ImportBatch> queue_;
  bool reading_done_ = false;
  std::optional<Error> failure_;
};

}  // namespace

Result<ImportSummary> ImportFile(const std::string& path, const ImportOptions& options) {
  Result<ImportProgress> progress = ImportProgress::Open(options.progress_dir, path);
  if (!progress) {
    return progress.error();
  }
  return Importer(path, options, *std::move(progress)).Run();
}

}  // namespace bulkhead
