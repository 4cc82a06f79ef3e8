// Arbitrary bytes as the files of a log: no reader crashes or loops, and where the writer opens the
// log, what a reader saw before is still there. The first byte says where the second file begins
// and of which versions they are; headers, checksums and tags are made right, so that the fuzzer
// need not find them, then damaged as the input says.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/faulty_file_system.h"
#include "log/log_cipher.h"
#include "log/log_dump.h"
#include "log/log_files.h"
#include "log/log_follower.h"
#include "log/log_format.h"
#include "log/log_writer.h"

namespace {

using namespace bulkhead;  // NOLINT

const SealKeyRing& Keys() {
  static const SealKeyRing keys(GenerateSealKeyPair());
  return keys;
}

// By position; false where reading ended with an error.
bool ReadAll(FileSystem& fs, std::map<uint64_t, std::string>* records) {
  Result<LogFollower> follower = LogFollower::Open(fs, "/log", Keys(), 0);
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

void AppendRecord1(std::string_view payload, uint64_t position, uint64_t group_start,
                   std::string* out) {
  LogFrame frame;
  frame.position = position;
  frame.group_start = group_start;
  frame.body_bytes = static_cast<uint32_t>(payload.size());
  const size_t at = BeginLogRecord(frame, 1, out);
  payload.copy(out->data() + at + kLogFrameBytes, payload.size());
  FinishLogRecord(at, out);
}

struct Piece {
  std::string_view payload;
  uint32_t in_group = 0;
  uint8_t damage = 0;
};

// Before the checksum (so that only the tag can tell), or after it.
void Damage(size_t at, uint8_t damage, uint32_t version, std::string* file) {
  if (damage < kLogFrameBytes) {
    (*file)[at + damage] = static_cast<char>((*file)[at + damage] + 1);
  } else if (version > 1 && damage < 128 && at + damage < file->size()) {
    (*file)[at + damage] = static_cast<char>((*file)[at + damage] + 1);
    FinishLogRecord(at, file);
  }
}

std::string MakeFile(std::string_view input, LogHeader header) {
  std::optional<LogEncryptor> encryptor;
  if (header.version > 1) {
    encryptor = LogEncryptor::Begin({Keys().newest().public_key}, &header);
  }
  std::string file = EncodeLogHeader(header);
  while (input.size() > 3) {
    const auto size = static_cast<size_t>(static_cast<uint8_t>(input[0]) % 32 + 1);
    const Piece piece{input.substr(3, size), static_cast<uint8_t>(input[1]),
                      static_cast<uint8_t>(input[2])};
    const size_t at = file.size();
    const uint64_t position = header.start + (at - header.bytes());
    const uint64_t group_start = position - piece.in_group;
    if (encryptor) {
      if (piece.in_group == 0 && at > header.bytes()) encryptor->EndGroup();
      encryptor->AppendRecord(piece.payload, position, group_start, &file);
    } else {
      AppendRecord1(piece.payload, position, group_start, &file);
    }
    Damage(at, piece.damage, header.version, &file);
    input.remove_prefix(3 + piece.payload.size());
  }
  return file.append(input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)DecodeLogHeader(input);
  (void)ScanLastFile(input, {.version = 1, .start = 1});
  if (size < 2) {
    return 0;
  }
  const size_t split = std::min<size_t>(size - 1, data[0] & 63U);
  const uint32_t first_version = (data[0] & 64U) != 0 ? 1 : kLogVersion;
  const uint32_t second_version = (data[0] & 128U) != 0 ? 1 : kLogVersion;
  FaultyFileSystem fs;
  Check(fs.CreateDirs("/log").has_value(), "a directory in memory");
  const std::string first =
      MakeFile(input.substr(1, split), {.version = first_version, .start = 1});
  const uint64_t end = 1 + first.size() - DecodeLogHeader(first).value().bytes();
  Check(fs.WriteFileAtomically(LogFilePath("/log", 1), first).has_value(), "a file in memory");
  if (split + 1 < size && end > 1) {
    const std::string second = MakeFile(
        input.substr(split + 1), {.version = second_version, .start = end, .previous_end = end});
    Check(fs.WriteFileAtomically(LogFilePath("/log", end), second).has_value(), "another");
  }
  (void)DumpLog(fs, "/log", [](std::string_view) {});
  std::map<uint64_t, std::string> before;
  const bool sound = ReadAll(fs, &before);
  const auto writer = LogWriter::Open(fs, "/log", {Keys().newest().public_key});
  if (writer && sound) {
    std::map<uint64_t, std::string> after;
    Check(ReadAll(fs, &after) && before == after, "opening keeps what could be read");
  }
  return 0;
}
