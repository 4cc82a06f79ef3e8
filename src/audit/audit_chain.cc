#include "audit/audit_chain.h"

#include <algorithm>

#include "base/hex.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr std::string_view kTornAction = "audit.torn";
constexpr std::string_view kTornStart = "{\"action\":\"audit.torn\",\"actor\":\"bulkhead\",";
// Failed writes in a row, each during the recovery from the one before.
constexpr int kMaxTornLines = 64;

bool Follows(const std::optional<AuditLine>& line, const AuditState& state) {
  return line && line->seq == state.lines + 1 && line->prev == state.head;
}

void Advance(const AuditLine& line, AuditState* state) {
  ++state->lines;
  state->head = line.hash;
}

// A line's text at the front of `bytes`, without its newline.
struct RawLine {
  std::string_view text;
  bool ended = false;
};

RawLine FrontLine(std::string_view bytes) {
  const size_t newline = bytes.find('\n');
  return newline == std::string_view::npos ? RawLine{bytes, false}
                                           : RawLine{bytes.substr(0, newline), true};
}

// Whether the line behind a bad region, already in the chain, says that the region was torn.
bool IsOwnedUpTo(std::string_view torn, std::string_view behind, const AuditState& state) {
  if (!behind.starts_with(kTornStart)) {
    return false;
  }
  const RawLine next = FrontLine(behind);
  const std::optional<AuditLine> line = next.ended ? ReadAuditLine(next.text) : std::nullopt;
  if (!Follows(line, state)) {
    return false;
  }
  const AuditEntry expected = TornEntry(torn);
  return line->entry.count == expected.count && line->entry.scope == expected.scope;
}

// A torn line that has an end was either given one by us or has pages of zeros in it. Neither is
// ever a good line.
bool IsMarked(std::string_view line) {
  return line.ends_with(kTornMark.substr(0, kTornMark.size() - 1)) ||
         line.find('\0') != std::string_view::npos;
}

bool BeginsAsOwner(std::string_view line) {
  const size_t shared = std::min(line.size(), kTornStart.size());
  return line.substr(0, shared) == kTornStart.substr(0, shared);
}

// The bytes at the front, last newline included, that the line behind them owns up to; 0: none.
// They are several lines where the write of an owning line was itself torn.
size_t OwnedBytes(std::string_view bytes, const AuditState& state) {
  size_t end = 0;
  for (int lines = 0; lines < kMaxTornLines; ++lines) {
    const RawLine raw = FrontLine(bytes.substr(end));
    if (!raw.ended || !IsMarked(raw.text)) {
      return 0;
    }
    end += raw.text.size() + 1;
    if (IsOwnedUpTo(bytes.substr(0, end - 1), bytes.substr(end), state)) {
      return end;
    }
  }
  return 0;
}

// Whether the rest of the file is what a power cut leaves of the last write; that write may have
// been the one that owns up to earlier torn lines.
bool LooksTorn(std::string_view bytes) {
  for (int lines = 0; lines < kMaxTornLines; ++lines) {
    const RawLine raw = FrontLine(bytes);
    if (raw.ended && !IsMarked(raw.text)) {
      return false;
    }
    if (!raw.ended) {
      return lines == 0 || IsMarked(raw.text) || BeginsAsOwner(raw.text);
    }
    bytes.remove_prefix(raw.text.size() + 1);
    if (bytes.empty()) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<AuditTail> ReadAuditChain(std::string_view bytes, AuditState* state) {
  AuditTail tail;
  while (!bytes.empty()) {
    const RawLine raw = FrontLine(bytes);
    size_t size = raw.text.size() + 1;
    const std::optional<AuditLine> line = raw.ended ? ReadAuditLine(raw.text) : std::nullopt;
    if (Follows(line, *state)) {
      Advance(*line, state);
    } else if (const size_t owned = OwnedBytes(bytes, *state); owned > 0) {
      size = owned;
      state->torn_lines += CountLines(bytes.substr(0, owned));
    } else if (LooksTorn(bytes)) {
      tail.torn = std::string(bytes);
      break;
    } else {
      const char* what = line ? "is not the one that followed the line before it"
                              : "was changed after it was written";
      return Error{ErrorCode::kCorruption,
                   "line " + std::to_string(state->lines + state->torn_lines + 1) + ": " + what};
    }
    tail.good_bytes += size;
    bytes.remove_prefix(size);
  }
  state->torn_tail_bytes = tail.torn.size();
  return tail;
}

uint64_t CountLines(std::string_view bytes) {
  return static_cast<uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

AuditEntry TornEntry(std::string_view torn) {
  AuditEntry entry;
  entry.actor = "bulkhead";
  entry.action = kTornAction;
  entry.scope = "sha256:" + HexEncode(Sha256(torn));
  entry.count = torn.size();
  entry.outcome = "recorded";
  return entry;
}

std::string AppendToAuditChain(const AuditEntry& entry, int64_t ts_ms, AuditState* state) {
  AuditLine line;
  line.entry = entry;
  line.seq = state->lines + 1;
  line.ts_ms = std::max<int64_t>(ts_ms, 0);
  line.prev = state->head;
  std::string text = WriteAuditLine(&line);
  text.push_back('\n');
  Advance(line, state);
  return text;
}

}  // namespace bulkhead
