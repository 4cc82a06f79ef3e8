// Arbitrary bytes as each thing that the audit log reads: entries, bundles, tiles, notes,
// checkpoints, keys, receipts, sets, tables of subjects, a witness's requests. Refused, or read to
// something that is written to the same bytes again.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/audit_entry.h"
#include "audit/audit_receipt.h"
#include "audit/signed_note.h"
#include "audit/subject_sets.h"
#include "audit/tiles.h"
#include "base/check.h"

namespace {

using namespace bulkhead;  // NOLINT

void ReadAsEntries(std::string_view bytes) {
  if (const auto record = ReadAuditRecord(bytes)) {
    Check(WriteAuditRecord(*record) == bytes, "an entry has one form");
    Check(bytes.size() <= kMaxEntryBytes, "an entry fits into a bundle");
  }
  for (const uint64_t width : {uint64_t{1}, uint64_t{2}, uint64_t{256}}) {
    if (const auto entries = DecodeBundle(bytes, width, true)) {
      std::string again;
      for (const std::string_view entry : *entries) {
        AppendToBundle(entry, &again);
      }
      Check(again == bytes, "a bundle has one form");
    }
    if (const auto hashes = DecodeTile(bytes, width)) {
      Check(bytes.starts_with(EncodeTile(*hashes)), "a tile has one form");
    }
  }
}

void ReadAsNotes(std::string_view bytes) {
  static const SigningKey signing_key{SecretBytes(kKeyBytes)};
  static const LogKeys log{{NoteKeyKind::kLog, "log.example", signing_key.public_key()}};
  if (const auto note = ParseNote(bytes)) {
    Check(note->ToText() == bytes, "a note has one form");
    Check(!OpenCheckpoint(*note, log) || Checkpoint::Parse(note->text),
          "only checkpoints are opened");
    (void)CosignedAt(*note, log.front());
  }
  if (const auto checkpoint = Checkpoint::Parse(bytes)) {
    Check(checkpoint->ToText() == bytes, "a checkpoint has one form");
  }
  if (const auto key = NoteKey::Parse(bytes)) {
    Check(key->ToText() == bytes || key->ToText() + "\n" == bytes, "a key has one form");
  }
  if (const auto parts = ParseReceipt(bytes)) {
    Check(WriteReceipt(*parts) == bytes, "a receipt has one form");
    Check(!VerifyReceipt(bytes, log) || parts->entry.size() <= kMaxEntryBytes,
          "what verifies is an entry");
  }
}

void ReadAsSets(std::string_view bytes) {
  if (const auto records = ListSubjectSets(bytes)) {
    size_t end = 0;
    for (const SubjectSetRecord& record : *records) {
      Check(record.end > end && record.end <= bytes.size(), "records lie one behind the other");
      end = record.end;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ReadAsEntries(bytes);
  ReadAsNotes(bytes);
  ReadAsSets(bytes);
  return 0;
}
