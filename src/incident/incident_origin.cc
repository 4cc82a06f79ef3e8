#include "incident/incident_origin.h"

namespace bulkhead {

std::string_view IncidentKindName(IncidentKind kind) {
  switch (kind) {
    case IncidentKind::kVendor:
      return "vendor";
    case IncidentKind::kMember:
      return "member";
    case IncidentKind::kCredential:
      return "credential";
    case IncidentKind::kExport:
      return "export";
    case IncidentKind::kOurselves:
      return "ourselves";
  }
  return "";
}

void WriteOrigin(const IncidentOrigin& origin, ByteWriter* out) {
  out->Byte(static_cast<uint8_t>(origin.kind));
  out->String(origin.party);
  out->Varint(origin.leaked.size());
  for (const FoundFile& file : origin.leaked) {
    out->String(file.name);
    out->Fixed(file.sha256);
    for (const uint64_t count :
         {file.bytes, file.records, file.genuine_records, file.subjects, file.canaries}) {
      out->Varint(count);
    }
  }
  out->Varint(origin.reads.size());
  for (const IncidentRead& read : origin.reads) {
    out->Varint(read.entry);
    out->SignedVarint(read.at_ms);
    out->String(read.action);
    out->Varint(read.subjects);
  }
  out->Varint(origin.reads_left_out);
  out->Varint(origin.remarks.size());
  for (const std::string& remark : origin.remarks) out->String(remark);
}

IncidentOrigin ReadOrigin(ByteReader* in) {
  IncidentOrigin origin;
  origin.kind = static_cast<IncidentKind>(in->Byte());
  origin.party = in->String();
  for (size_t left = in->Count(); left > 0 && in->ok(); --left) {
    FoundFile& file = origin.leaked.emplace_back();
    file.name = in->String();
    file.sha256 = in->Fixed<decltype(file.sha256)>();
    for (uint64_t* count :
         {&file.bytes, &file.records, &file.genuine_records, &file.subjects, &file.canaries}) {
      *count = in->Varint();
    }
  }
  for (size_t left = in->Count(); left > 0 && in->ok(); --left) {
    IncidentRead& read = origin.reads.emplace_back();
    read.entry = in->Varint();
    read.at_ms = in->SignedVarint();
    read.action = in->String();
    read.subjects = in->Varint();
  }
  origin.reads_left_out = in->Varint();
  for (size_t left = in->Count(); left > 0 && in->ok(); --left) {
    origin.remarks.emplace_back(in->String());
  }
  return origin;
}

bool IsSound(const IncidentOrigin& origin) {
  return !IncidentKindName(origin.kind).empty() && origin.reads.size() <= kMaxIncidentReads;
}

}  // namespace bulkhead
