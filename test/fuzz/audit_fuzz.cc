// Arbitrary bytes as an audit file, alone and behind a good line: refused with the number of a
// line, or read, and then it can be appended to and verifies again.
#include <cstdint>
#include <string>
#include <string_view>

#include "audit/audit_chain.h"
#include "base/check.h"

namespace {

using namespace bulkhead;  // NOLINT

void ReadAndGoOn(const std::string& file) {
  AuditState state;
  state.head = ZeroAuditHash();
  const Result<AuditTail> tail = ReadAuditChain(file, &state);
  if (!tail) {
    Check(tail.error().message.starts_with("line "), "a bad file's line is named");
    return;
  }
  Check(tail->good_bytes + tail->torn.size() == file.size(), "every byte is accounted for");
  std::string more = file;
  if (!tail->torn.empty()) {
    if (!more.ends_with('\n')) {
      more += kTornMark;
    }
    const std::string torn = more.substr(static_cast<size_t>(tail->good_bytes));
    more +=
        AppendToAuditChain(TornEntry(std::string_view(torn).substr(0, torn.size() - 1)), 1, &state);
  }
  AuditEntry entry;
  entry.actor = "fuzz";
  entry.action = "reveal";
  more += AppendToAuditChain(entry, 2, &state);
  AuditState again;
  again.head = ZeroAuditHash();
  const Result<AuditTail> read = ReadAuditChain(more, &again);
  Check(read && read->torn.empty() && again.head == state.head, "what was appended verifies");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  ReadAndGoOn(bytes);
  AuditState state;
  state.head = ZeroAuditHash();
  AuditEntry entry;
  entry.actor = "fuzz";
  entry.action = "erase";
  ReadAndGoOn(AppendToAuditChain(entry, 1, &state) + bytes);
  if (const auto line = ReadAuditLine(bytes)) {
    AuditLine copy = *line;
    Check(WriteAuditLine(&copy) == bytes, "a line has one form");
  }
  return 0;
}
