#include "main/incident_pages.h"

#include <algorithm>
#include <utility>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

Error NoPage() { return {ErrorCode::kInvalid, "not a page about an incident"}; }

SubjectId ReadId(ByteReader* in) { return {in->Fixed<decltype(SubjectId::bytes)>()}; }

SentFields ReadFields(ByteReader* in) {
  SentFields fields;
  for (size_t left = in->Count(); left > 0 && in->ok(); --left) {
    SentField& field = fields.emplace_back();
    field.name = in->String();
    field.form = static_cast<FieldForm>(in->Byte());
  }
  return fields;
}

}  // namespace

std::string EncodeRiskPage(const RiskPage& page) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Byte(page.more ? 1 : 0);
  writer.Varint(page.field_sets.size());
  for (const SentFields& fields : page.field_sets) {
    writer.Varint(fields.size());
    for (const SentField& field : fields) {
      writer.String(field.name);
      writer.Byte(static_cast<uint8_t>(field.form));
    }
  }
  writer.Varint(page.subjects.size());
  for (const RiskPage::Entry& one : page.subjects) {
    writer.Fixed(one.subject.bytes);
    writer.Byte(static_cast<uint8_t>(one.score));
    writer.Varint(one.fields);
  }
  return bytes;
}

Result<RiskPage> DecodeRiskPage(std::string_view bytes) {
  ByteReader in(bytes);
  RiskPage page;
  page.more = in.Byte() != 0;
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    page.field_sets.push_back(ReadFields(&in));
  }
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    RiskPage::Entry& one = page.subjects.emplace_back();
    one.subject = ReadId(&in);
    one.score = in.Byte();
    one.fields = static_cast<uint32_t>(in.Varint());
  }
  const bool good =
      in.ok() && in.AtEnd() && std::ranges::all_of(page.subjects, [&](const RiskPage::Entry& one) {
        return one.fields < page.field_sets.size();
      });
  return good && EncodeRiskPage(page) == bytes ? Result<RiskPage>(std::move(page)) : NoPage();
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

}  // namespace bulkhead
