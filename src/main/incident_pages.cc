#include "main/incident_pages.h"

#include <algorithm>
#include <utility>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

Error NoPage() { return {ErrorCode::kInvalid, "not a page about an incident"}; }

SubjectId ReadId(ByteReader* in) { return {in->Fixed<decltype(SubjectId::bytes)>()}; }

RiskPage::Entry ReadEntry(ByteReader* in) {
  RiskPage::Entry one;
  one.subject = ReadId(in);
  one.score = in->Byte();
  for (size_t left = in->Count(); left > 0 && in->ok(); --left) {
    one.fields.push_back(static_cast<uint32_t>(in->Varint()));
  }
  return one;
}

}  // namespace

std::string EncodeRiskPage(const RiskPage& page) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Byte(page.more ? 1 : 0);
  writer.Varint(page.fields.size());
  for (const SentField& field : page.fields) {
    writer.String(field.name);
    writer.Byte(static_cast<uint8_t>(field.form));
  }
  writer.Varint(page.subjects.size());
  for (const RiskPage::Entry& one : page.subjects) {
    writer.Fixed(one.subject.bytes);
    writer.Byte(static_cast<uint8_t>(one.score));
    writer.Varint(one.fields.size());
    for (const uint32_t field : one.fields) writer.Varint(field);
  }
  return bytes;
}

Result<RiskPage> DecodeRiskPage(std::string_view bytes) {
  ByteReader in(bytes);
  RiskPage page;
  page.more = in.Byte() != 0;
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    SentField& field = page.fields.emplace_back();
    field.name = in.String();
    field.form = static_cast<FieldForm>(in.Byte());
  }
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    page.subjects.push_back(ReadEntry(&in));
  }
  const auto is_good = [&](const RiskPage::Entry& one) {
    return std::ranges::all_of(one.fields,
                               [&](uint32_t field) { return field < page.fields.size(); });
  };
  return in.ok() && in.AtEnd() && std::ranges::all_of(page.subjects, is_good) &&
                 EncodeRiskPage(page) == bytes
             ? Result<RiskPage>(std::move(page))
             : NoPage();
}

std::string EncodeVendorIdPage(const VendorIdPage& page) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Byte(page.more ? 1 : 0);
  writer.Varint(page.ids.size());
  for (const VendorIdPage::Entry& one : page.ids) {
    writer.Fixed(one.vendor_id.bytes);
    writer.Fixed(one.subject.bytes);
  }
  return bytes;
}

Result<VendorIdPage> DecodeVendorIdPage(std::string_view bytes) {
  ByteReader in(bytes);
  VendorIdPage page;
  page.more = in.Byte() != 0;
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    const SubjectId vendor_id = ReadId(&in);
    page.ids.push_back({vendor_id, ReadId(&in)});
  }
  return in.ok() && in.AtEnd() && EncodeVendorIdPage(page) == bytes
             ? Result<VendorIdPage>(std::move(page))
             : NoPage();
}

std::string EncodeCanaryPage(const CanaryPage& page) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(page.canaries.size());
  for (const CanaryPage::Entry& one : page.canaries) {
    writer.Fixed(one.vendor_id.bytes);
    writer.String(one.address);
  }
  return bytes;
}

Result<CanaryPage> DecodeCanaryPage(std::string_view bytes) {
  ByteReader in(bytes);
  CanaryPage page;
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    const SubjectId vendor_id = ReadId(&in);
    page.canaries.push_back({vendor_id, std::string(in.String())});
  }
  return in.ok() && in.AtEnd() && EncodeCanaryPage(page) == bytes
             ? Result<CanaryPage>(std::move(page))
             : NoPage();
}

}  // namespace bulkhead
