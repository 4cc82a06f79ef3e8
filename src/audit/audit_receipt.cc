#include "audit/audit_receipt.h"

#include <optional>

namespace bulkhead {
namespace {

constexpr std::string_view kFirstLine = "bulkhead-audit-receipt/v1\n";
constexpr std::string_view kProofLine = "c2sp.org/tlog-proof@v1\n";
constexpr size_t kMaxReceiptBytes = 256UL * 1024;
constexpr size_t kMaxProofHashes = 63;

// Takes the first line off, without its newline; nullopt where there is none.
std::optional<std::string_view> TakeLine(std::string_view* text) {
  const size_t end = text->find('\n');
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(end + 1);
  return line;
}

bool TakeLiteral(std::string_view literal, std::string_view* text) {
  if (!text->starts_with(literal)) {
    return false;
  }
  text->remove_prefix(literal.size());
  return true;
}

std::optional<ReceiptParts> Parse(std::string_view text) {
  ReceiptParts parts;
  if (text.size() > kMaxReceiptBytes || !TakeLiteral(kFirstLine, &text)) {
    return std::nullopt;
  }
  const auto entry = TakeLine(&text);
  if (!entry || !TakeLiteral("\n", &text) || !TakeLiteral(kProofLine, &text) ||
      !TakeLiteral("index ", &text)) {
    return std::nullopt;
  }
  parts.entry = *entry;
  const auto index_line = TakeLine(&text);
  const std::optional<uint64_t> index = index_line ? ParseDecimal(*index_line) : std::nullopt;
  if (!index) {
    return std::nullopt;
  }
  parts.index = *index;
  for (auto line = TakeLine(&text);; line = TakeLine(&text)) {
    if (!line || parts.proof.size() > kMaxProofHashes) {
      return std::nullopt;
    }
    if (line->empty()) {
      break;
    }
    const std::optional<TreeHash> hash = ParseHash(*line);
    if (!hash) {
      return std::nullopt;
    }
    parts.proof.push_back(*hash);
  }
  parts.signed_checkpoint = text;
  return parts;
}

}  // namespace

std::string WriteReceipt(const ReceiptParts& parts) {
  std::string text(kFirstLine);
  text += parts.entry + "\n\n" + std::string(kProofLine) + "index " + std::to_string(parts.index) +
          "\n";
  for (const TreeHash& hash : parts.proof) {
    text += HashText(hash) + "\n";
  }
  return text + "\n" + parts.signed_checkpoint;
}

Result<ReceiptParts> ParseReceipt(std::string_view text) {
  std::optional<ReceiptParts> parts = Parse(text);
  if (!parts || WriteReceipt(*parts) != text) {
    return Error{ErrorCode::kCorruption, "not a receipt of an audit log"};
  }
  return *std::move(parts);
}

Result<VerifiedReceipt> VerifyReceipt(std::string_view text, const LogKeys& log) {
  const Result<ReceiptParts> parts = ParseReceipt(text);
  if (!parts) {
    return parts.error();
  }
  const Result<Checkpoint> checkpoint = OpenCheckpoint(parts->signed_checkpoint, log);
  if (!checkpoint) {
    return checkpoint.error();
  }
  if (!VerifyInclusion(parts->index, checkpoint->size, LeafHash(parts->entry), parts->proof,
                       checkpoint->root)) {
    return Error{ErrorCode::kDenied, "the log's tree does not contain this entry"};
  }
  std::optional<AuditRecord> record = ReadAuditRecord(parts->entry);
  if (!record || record->index != parts->index) {
    return Error{ErrorCode::kCorruption, "the receipt's entry is not an audit entry"};
  }
  return VerifiedReceipt{*std::move(record), *checkpoint};
}

}  // namespace bulkhead
