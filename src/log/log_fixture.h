// For the log's tests: a reader's keys, and reading everything there is.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/faulty_file_system.h"
#include "log/log_follower.h"
#include "log/log_writer.h"

namespace bulkhead {

inline const std::string kDir = "/data/log";

// One reader's pair.
inline const SealKeyRing& TestKeys() {
  static const SealKeyRing keys(GenerateSealKeyPair());
  return keys;
}
inline std::vector<LogReaderKey> TestReaders() { return {TestKeys().newest().public_key}; }

inline std::unique_ptr<LogWriter> MustOpen(FileSystem& fs, LogWriterOptions options = {}) {
  Result<std::unique_ptr<LogWriter>> writer =
      LogWriter::Open(fs, kDir, TestReaders(), std::move(options));
  EXPECT_TRUE(writer) << (writer ? "" : writer.error().message);
  return writer ? std::move(*writer) : nullptr;
}

inline Result<uint64_t> AppendAndWait(LogWriter& writer, std::string payload) {
  auto answer = std::make_shared<std::promise<Result<uint64_t>>>();
  writer.Append(std::move(payload),
                [answer](Result<uint64_t> position) { answer->set_value(std::move(position)); });
  return answer->get_future().get();
}

inline Result<uint64_t> RollAndWait(LogWriter& writer) {
  std::promise<Result<uint64_t>> answer;
  writer.Roll([&](Result<uint64_t> start) { answer.set_value(std::move(start)); });
  return answer.get_future().get();
}

// Everything from a position on, by position.
inline Result<std::map<uint64_t, std::string>> ReadAll(FileSystem& fs, uint64_t from = 0,
                                                       std::function<uint64_t()> durable_end = {},
                                                       const SealKeyRing& keys = TestKeys()) {
  Result<LogFollower> follower = LogFollower::Open(fs, kDir, keys, from, std::move(durable_end));
  if (!follower) {
    return follower.error();
  }
  std::map<uint64_t, std::string> records;
  for (;;) {
    Result<std::optional<LogRecord>> record = follower->Next();
    if (!record) {
      return record.error();
    }
    if (!*record) {
      return records;
    }
    EXPECT_TRUE(records.emplace((*record)->position, (*record)->payload).second);
    EXPECT_EQ(follower->position(), (*record)->next_position);
  }
}

}  // namespace bulkhead
