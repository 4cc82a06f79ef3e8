// Arbitrary bytes as the files of a log: no reader crashes or loops, and where the writer opens the
// log, what a reader saw before is still there. The first byte says where the second file begins;
// the headers are made whole, so that the fuzzer need not find checksums for them.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/faulty_file_system.h"
#include "log/log_dump.h"
#include "log/log_files.h"
#include "log/log_follower.h"
#include "log/log_format.h"
#include "log/log_writer.h"

namespace {

using namespace bulkhead;  // NOLINT

// By position; false where reading ended with an error.
bool ReadAll(FileSystem& fs, std::map<uint64_t, std::string>* records) {
  Result<LogFollower> follower = LogFollower::Open(fs, "/log", 0);
  while (follower) {
    Result<std::optional<LogRecord>> record = follower->Next();
    if (!record) {
      return false;
    }
    if (!*record) {
      return true;
    }
    Check(records->emplace((*record)->position, (*record)->payload).second, "a position twice");
  }
  return false;
}

// Frames with right checksums around the input's pieces, damaged as the input says.
std::string MakeFile(std::string_view input, uint64_t start, uint64_t previous_end) {
  std::string file = EncodeLogHeader({start, previous_end});
  while (input.size() > 3) {
    const auto size = static_cast<size_t>(static_cast<uint8_t>(input[0]) % 32 + 1);
    const auto in_group = static_cast<uint32_t>(static_cast<uint8_t>(input[1]));
    const auto damage = static_cast<uint8_t>(input[2]);
    const std::string_view payload = input.substr(3, size);
    if (payload.empty()) {
      break;
    }
    const size_t at = file.size();
    AppendLogRecord(payload, start + (at - kLogHeaderBytes), in_group, &file);
    if (damage < kLogFrameBytes) {
      file[at + damage] = static_cast<char>(file[at + damage] + 1);
    }
    input.remove_prefix(3 + payload.size());
  }
  return file.append(input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)DecodeLogHeader(input);
  (void)ScanLastFile(input, 1);
  if (size < 2) {
    return 0;
  }
  const size_t split = std::min<size_t>(size - 1, data[0]);
  FaultyFileSystem fs;
  Check(fs.CreateDirs("/log").has_value(), "a directory in memory");
  const std::string first = MakeFile(input.substr(1, split), 1, 0);
  const uint64_t end = 1 + first.size() - kLogHeaderBytes;
  Check(fs.WriteFileAtomically(LogFilePath("/log", 1), first).has_value(), "a file in memory");
  if (split + 1 < size && end > 1) {
    const std::string second = MakeFile(input.substr(split + 1), end, end);
    Check(fs.WriteFileAtomically(LogFilePath("/log", end), second).has_value(), "another");
  }
  (void)DumpLog(fs, "/log", [](std::string_view) {});
  std::map<uint64_t, std::string> before;
  const bool sound = ReadAll(fs, &before);
  const auto writer = LogWriter::Open(fs, "/log", {});
  if (writer && sound) {
    std::map<uint64_t, std::string> after;
    Check(ReadAll(fs, &after) && before == after, "opening keeps what could be read");
  }
  return 0;
}
