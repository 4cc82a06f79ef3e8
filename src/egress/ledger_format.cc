#include "egress/ledger_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/limits.h"

namespace bulkhead {
namespace {

constexpr size_t kSubjectBytes = sizeof(SubjectId::bytes);
constexpr uint32_t kLastForm = static_cast<uint32_t>(FieldForm::kIdentity);

constexpr std::string_view KindName(LedgerFileKind kind) {
  return kind == LedgerFileKind::kJournal    ? "journal"
         : kind == LedgerFileKind::kSubjects ? "subjects"
                                             : "day";
}

Error Refused(std::string_view what) {
  return {ErrorCode::kInvalid, fmt::format("ledger: {}", what)};
}

// Strictly ascending, so that each is there once.
template <typename T>
bool IsSet(const std::vector<T>& items) {
  return std::adjacent_find(items.begin(), items.end(), std::greater_equal<>()) == items.end();
}

bool ReadFields(ByteReader* in, std::vector<SentField>* fields) {
  const size_t count = in->Count();
  for (size_t i = 0; i < count && in->ok(); ++i) {
    SentField field;
    field.name = in->String();
    const uint8_t form = in->Byte();
    if (field.name.size() > limits::kMaxPropertyNameBytes || form == 0 || form > kLastForm) {
      return false;
    }
    field.form = static_cast<FieldForm>(form);
    fields->push_back(std::move(field));
  }
  return in->ok() && IsSet(*fields);
}

}  // namespace

std::string LedgerFileName(LedgerFileKind kind, uint64_t number) {
  return fmt::format("{}-{:010}", KindName(kind), number);
}

bool IsLedgerFileName(std::string_view name) {
  return name.starts_with("journal-") || name.starts_with("subjects-") ||
         name.starts_with("day-") || name == std::string(kLedgerManifestName) + ".tmp";
}

uint32_t FieldSetTable::Intern(const SentFields& fields) {
  const auto [at, is_new] = numbers_.try_emplace(fields, size());
  if (is_new) sets_.push_back(&at->first);
  return at->second;
}

void PutFieldSets(std::span<const SentFields> sets, ByteWriter* out) {
  std::map<SentField, size_t> places;
  for (const SentFields& set : sets) {
    for (const SentField& field : set) places.emplace(field, 0);
  }
  out->Varint(places.size());
  size_t next = 0;
  for (auto& [field, place] : places) {
    place = next++;
    out->String(field.name);
    out->Byte(static_cast<uint8_t>(field.form));
  }
  out->Varint(sets.size());
  for (const SentFields& set : sets) {
    out->Varint(set.size());
    for (const SentField& field : set) out->Varint(places.at(field));
  }
}

bool ReadFieldSets(ByteReader* in, std::vector<SentFields>* sets) {
  std::vector<SentField> fields;
  if (!ReadFields(in, &fields)) return false;
  const size_t count = in->Count();
  for (size_t i = 0; i < count && in->ok(); ++i) {
    SentFields& set = sets->emplace_back();
    const size_t members = in->Count();
    for (size_t j = 0; j < members && in->ok(); ++j) {
      const uint64_t place = in->Varint();
      if (place >= fields.size()) return false;
      set.push_back(fields[place]);
    }
    if (!IsSet(set)) return false;
  }
  return in->ok();
}

Result<void> CheckLedgerBatch(const LedgerBatch& batch) {
  if (batch.vendor.empty() || batch.vendor.size() > kMaxVendorNameBytes) {
    return Refused("a vendor's name has 1 to 255 bytes");
  }
  if (batch.day < 0 || batch.day > kMaxLedgerDay) return Refused("no such day");
  if (batch.sequence == 0) return Refused("sequence numbers begin with 1");
  for (const SentFields& set : batch.field_sets) {
    if (!IsSet(set)) return Refused("the fields of a set are not sorted, each once");
    for (const SentField& field : set) {
      const auto form = static_cast<uint32_t>(field.form);
      if (field.name.size() > limits::kMaxPropertyNameBytes || form == 0 || form > kLastForm) {
        return Refused("a field's name is too long, or its form is none");
      }
    }
  }
  for (const LedgerSend& send : batch.sends) {
    if (send.fields >= batch.field_sets.size()) return Refused("a send names no set of fields");
  }
  return {};
}

std::string EncodeLedgerBatch(const LedgerBatch& batch) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.String(batch.vendor);
  out.Varint(batch.epoch);
  out.Varint(static_cast<uint32_t>(batch.day));
  out.Varint(batch.sequence);
  PutFieldSets(batch.field_sets, &out);
  out.Varint(batch.sends.size());
  for (const LedgerSend& send : batch.sends) {
    out.Fixed(send.subject.bytes);
    out.Varint(send.fields);
  }
  return bytes;
}

Result<LedgerBatch> DecodeLedgerBatch(std::string_view bytes) {
  const Error damaged{ErrorCode::kCorruption, "ledger: a batch is malformed"};
  ByteReader in(bytes);
  LedgerBatch batch;
  batch.vendor = in.String();
  const uint64_t epoch = in.Varint();
  const uint64_t day = in.Varint();
  batch.sequence = in.Varint();
  if (epoch > UINT32_MAX || day > kMaxLedgerDay) return damaged;
  batch.epoch = static_cast<uint32_t>(epoch);
  batch.day = static_cast<int32_t>(day);
  if (!ReadFieldSets(&in, &batch.field_sets)) return damaged;
  const uint64_t sends = in.Varint();
  if (sends > in.remaining() / (kSubjectBytes + 1)) return damaged;
  batch.sends.reserve(sends);
  for (uint64_t i = 0; i < sends; ++i) {
    LedgerSend send;
    send.subject.bytes = in.Fixed<std::array<uint8_t, kSubjectBytes>>();
    const uint64_t set = in.Varint();
    if (set >= batch.field_sets.size()) return damaged;
    send.fields = static_cast<uint32_t>(set);
    batch.sends.push_back(send);
  }
  if (!in.ok() || !in.AtEnd() || !CheckLedgerBatch(batch)) return damaged;
  return batch;
}

}  // namespace bulkhead
