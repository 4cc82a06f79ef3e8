// The bytes of main/holdings.h.
#include <utility>

#include "base/byte_codec.h"
#include "main/holdings.h"

namespace bulkhead {
namespace {

Error NotHoldings() { return {ErrorCode::kInvalid, "not a call about what lies in core"}; }

bool HasGoodPlaces(const HoldingsPage& page) {
  for (const std::vector<uint32_t>& set : page.sets) {
    for (const uint32_t place : set) {
      if (place >= page.fields.size()) return false;
    }
  }
  for (const HoldingsPage::Entry& one : page.subjects) {
    if (one.set >= page.sets.size()) return false;
  }
  for (const HoldingsPage::Total& one : page.totals) {
    if (one.field >= page.fields.size()) return false;
  }
  for (const SentField& field : page.fields) {
    if (FieldFormName(field.form).empty()) return false;
  }
  return true;
}

}  // namespace

std::string EncodeHoldingsRequest(const HoldingsRequest& request) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.String(request.asker);
  out.Varint(request.project.value);
  out.SignedVarint(request.first_day);
  out.SignedVarint(request.last_day);
  out.Fixed(request.after.bytes);
  return bytes;
}

Result<HoldingsRequest> DecodeHoldingsRequest(std::string_view bytes) {
  ByteReader in(bytes);
  HoldingsRequest request;
  request.asker = in.String();
  request.project.value = static_cast<uint32_t>(in.Varint());
  request.first_day = static_cast<int32_t>(in.SignedVarint());
  request.last_day = static_cast<int32_t>(in.SignedVarint());
  request.after.bytes = in.Fixed<decltype(SubjectId::bytes)>();
  return in.ok() && in.AtEnd() && EncodeHoldingsRequest(request) == bytes
             ? Result<HoldingsRequest>(std::move(request))
             : NotHoldings();
}

std::string EncodeHoldingsPage(const HoldingsPage& page) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(page.more ? 1 : 0);
  out.Varint(page.fields.size());
  for (const SentField& field : page.fields) {
    out.String(field.name);
    out.Byte(static_cast<uint8_t>(field.form));
  }
  out.Varint(page.sets.size());
  for (const std::vector<uint32_t>& set : page.sets) {
    out.Varint(set.size());
    for (const uint32_t place : set) out.Varint(place);
  }
  out.Varint(page.subjects.size());
  for (const HoldingsPage::Entry& one : page.subjects) {
    out.Fixed(one.subject.bytes);
    out.Varint(one.set);
  }
  out.Varint(page.records);
  out.Varint(page.totals.size());
  for (const HoldingsPage::Total& one : page.totals) {
    out.Varint(one.field);
    out.Varint(one.records);
    out.SignedVarint(one.first_day);
    out.SignedVarint(one.last_day);
  }
  return bytes;
}

Result<HoldingsPage> DecodeHoldingsPage(std::string_view bytes) {
  ByteReader in(bytes);
  HoldingsPage page;
  page.more = in.Byte() != 0;
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    SentField& field = page.fields.emplace_back();
    field.name = in.String();
    field.form = static_cast<FieldForm>(in.Byte());
  }
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    std::vector<uint32_t>& set = page.sets.emplace_back();
    for (size_t places = in.Count(); places > 0 && in.ok(); --places) {
      set.push_back(static_cast<uint32_t>(in.Varint()));
    }
  }
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    const SubjectId subject{in.Fixed<decltype(SubjectId::bytes)>()};
    page.subjects.push_back({subject, static_cast<uint32_t>(in.Varint())});
  }
  page.records = in.Varint();
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    HoldingsPage::Total& one = page.totals.emplace_back();
    one.field = static_cast<uint32_t>(in.Varint());
    one.records = in.Varint();
    one.first_day = static_cast<int32_t>(in.SignedVarint());
    one.last_day = static_cast<int32_t>(in.SignedVarint());
  }
  return in.ok() && in.AtEnd() && HasGoodPlaces(page) && EncodeHoldingsPage(page) == bytes
             ? Result<HoldingsPage>(std::move(page))
             : NotHoldings();
}

}  // namespace bulkhead
