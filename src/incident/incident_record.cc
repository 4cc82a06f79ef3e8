#include "incident/incident_record.h"

#include <algorithm>
#include <string>

#include "base/byte_codec.h"
#include "incident/calendar.h"
#include "sieve/field_classes.h"

namespace bulkhead {
namespace {

constexpr size_t kDateBytes = 10;
// Stands before what versions did not have at first. One of a vendor, without a leaked file, has
// the first form still, so that it has one spelling only.
constexpr uint8_t kSecondForm = 2;

Error NoRecord() { return {ErrorCode::kInvalid, "not the record of an incident"}; }

template <typename Map, typename Each>
void WriteAll(ByteWriter* out, const Map& all, const Each& each) {
  out->Varint(all.size());
  for (const auto& one : all) each(one);
}
void WriteTexts(ByteWriter* out, const auto& texts) {
  WriteAll(out, texts, [out](const std::string& text) { out->String(text); });
}
void WriteCounts(ByteWriter* out, const std::map<std::string, uint64_t>& counts) {
  WriteAll(out, counts, [out](const auto& one) {
    out->String(one.first);
    out->Varint(one.second);
  });
}
void WriteTime(ByteWriter* out, const IncidentFacts::Time& time) {
  out->Byte(time.at_ms ? 1 : 0);
  out->SignedVarint(time.at_ms.value_or(0));
  out->String(time.source);
}
void WriteTimes(ByteWriter* out, const std::map<std::string, IncidentFacts::Time>& times) {
  WriteAll(out, times, [out](const auto& one) {
    out->String(one.first);
    WriteTime(out, one.second);
  });
}

template <typename Each>
void ReadAll(ByteReader* in, const Each& each) {
  for (size_t left = in->Count(); left > 0 && in->ok(); --left) each();
}
std::string ReadText(ByteReader* in) { return std::string(in->String()); }
std::vector<std::string> ReadTexts(ByteReader* in) {
  std::vector<std::string> texts;
  ReadAll(in, [&] { texts.push_back(ReadText(in)); });
  return texts;
}
std::set<std::string> ReadNames(ByteReader* in) {
  std::set<std::string> names;
  ReadAll(in, [&] { names.insert(ReadText(in)); });
  return names;
}
std::map<std::string, uint64_t> ReadCounts(ByteReader* in) {
  std::map<std::string, uint64_t> counts;
  ReadAll(in, [&] {
    std::string name = ReadText(in);
    counts[std::move(name)] = in->Varint();
  });
  return counts;
}
IncidentFacts::Time ReadTime(ByteReader* in) {
  const bool known = in->Byte() != 0;
  const int64_t at_ms = in->SignedVarint();
  return {known ? std::optional(at_ms) : std::nullopt, ReadText(in)};
}
std::map<std::string, IncidentFacts::Time> ReadTimes(ByteReader* in) {
  std::map<std::string, IncidentFacts::Time> times;
  ReadAll(in, [&] {
    std::string name = ReadText(in);
    times[std::move(name)] = ReadTime(in);
  });
  return times;
}

// 0: nothing, 1: no, 2: yes.
uint8_t AnswerByte(const std::optional<bool>& yes) {
  return yes ? static_cast<uint8_t>(*yes ? 2 : 1) : uint8_t{0};
}

void WriteFacts(ByteWriter* out, const IncidentFacts& facts) {
  WriteAll(out, facts.moments, [out](const auto& one) {
    out->Byte(static_cast<uint8_t>(one.first));
    WriteTime(out, one.second);
  });
  WriteTimes(out, facts.clocks);
  WriteTimes(out, facts.done);
  WriteAll(out, facts.answers, [out](const auto& one) {
    out->String(one.first);
    out->Byte(AnswerByte(one.second.yes));
    out->String(one.second.source);
  });
  out->Byte(facts.promised_hours ? 1 : 0);
  out->SignedVarint(facts.promised_hours.value_or(0));
  WriteTexts(out, facts.roles);
  WriteTexts(out, facts.established);
  out->Byte(static_cast<uint8_t>(facts.risk));
  out->Byte(facts.unintelligible ? 1 : 0);
  out->Byte(facts.complete ? 1 : 0);
  for (const std::string* text :
       {&facts.organisation, &facts.happening, &facts.contact, &facts.check_page}) {
    out->String(*text);
  }
  WriteTexts(out, facts.measures);
  WriteTexts(out, facts.not_exposed);
  WriteAll(out, facts.classes, [out](const auto& one) {
    out->String(one.first);
    out->String(one.second);
  });
}

IncidentFacts ReadFacts(ByteReader* in) {
  IncidentFacts facts;
  ReadAll(in, [&] {
    const auto moment = static_cast<DisclosureMoment>(in->Byte());
    facts.moments[moment] = ReadTime(in);
  });
  facts.clocks = ReadTimes(in);
  facts.done = ReadTimes(in);
  ReadAll(in, [&] {
    std::string question = ReadText(in);
    const uint8_t yes = in->Byte();
    facts.answers[std::move(question)] = {yes == 0 ? std::nullopt : std::optional(yes == 2),
                                          ReadText(in)};
  });
  const bool promised = in->Byte() != 0;
  const auto hours = static_cast<int>(in->SignedVarint());
  if (promised) facts.promised_hours = hours;
  facts.roles = ReadNames(in);
  facts.established = ReadNames(in);
  facts.risk = static_cast<Risk>(in->Byte());
  facts.unintelligible = in->Byte() != 0;
  facts.complete = in->Byte() != 0;
  for (std::string* text :
       {&facts.organisation, &facts.happening, &facts.contact, &facts.check_page}) {
    *text = ReadText(in);
  }
  facts.measures = ReadTexts(in);
  facts.not_exposed = ReadTexts(in);
  ReadAll(in, [&] {
    std::string field = ReadText(in);
    facts.classes[std::move(field)] = ReadText(in);
  });
  return facts;
}

bool NamesKnownThings(const IncidentFacts& facts) {
  return facts.risk <= Risk::kHigh && std::ranges::all_of(facts.moments, [](const auto& one) {
           return std::ranges::find(kDisclosureMoments, one.first) != kDisclosureMoments.end();
         });
}

void WriteResidence(ByteWriter* out, const Residence& residence) {
  WriteCounts(out, residence.countries);
  WriteCounts(out, residence.organisations);
  out->Varint(residence.organisations_left_out);
}

Residence ReadResidence(ByteReader* in) {
  Residence residence;
  residence.countries = ReadCounts(in);
  residence.organisations = ReadCounts(in);
  residence.organisations_left_out = in->Varint();
  return residence;
}

void WriteExposure(ByteWriter* out, const IncidentExposure& exposure) {
  out->Varint(exposure.subjects);
  out->Varint(exposure.sends);
  WriteAll(out, exposure.fields, [out](const IncidentField& one) {
    out->String(one.exposed.field.name);
    out->Byte(static_cast<uint8_t>(one.exposed.field.form));
    out->Varint(one.exposed.subjects);
    out->Varint(one.exposed.sends);
    out->SignedVarint(one.exposed.first_day);
    out->SignedVarint(one.exposed.last_day);
    out->String(one.field_class);
  });
  WriteAll(out, exposure.sends_of_epoch, [out](const auto& one) {
    out->Varint(one.first);
    out->Varint(one.second);
  });
  WriteResidence(out, exposure.residence);
  for (const uint64_t subjects : exposure.bands) out->Varint(subjects);
  out->Fixed(exposure.subjects_digest);
}

IncidentField ReadField(ByteReader* in) {
  IncidentField field;
  field.exposed.field.name = in->String();
  field.exposed.field.form = static_cast<FieldForm>(in->Byte());
  field.exposed.subjects = in->Varint();
  field.exposed.sends = in->Varint();
  field.exposed.first_day = static_cast<int32_t>(in->SignedVarint());
  field.exposed.last_day = static_cast<int32_t>(in->SignedVarint());
  field.field_class = in->String();
  return field;
}

IncidentExposure ReadExposure(ByteReader* in) {
  IncidentExposure exposure;
  exposure.subjects = in->Varint();
  exposure.sends = in->Varint();
  ReadAll(in, [&] { exposure.fields.push_back(ReadField(in)); });
  ReadAll(in, [&] {
    const auto epoch = static_cast<uint32_t>(in->Varint());
    exposure.sends_of_epoch.emplace_back(epoch, in->Varint());
  });
  exposure.residence = ReadResidence(in);
  for (uint64_t& subjects : exposure.bands) subjects = in->Varint();
  exposure.subjects_digest = in->Fixed<std::array<uint8_t, 32>>();
  return exposure;
}

IncidentVersion ReadVersion(ByteReader* in) {
  IncidentVersion version;
  version.id = in->String();
  version.number = static_cast<uint32_t>(in->Varint());
  version.made_ms = in->SignedVarint();
  version.actor = in->String();
  version.title = in->String();
  version.why = in->String();
  version.closed = in->Byte() != 0;
  version.window.vendor = in->String();
  const auto epoch = static_cast<uint32_t>(in->Varint());
  if (epoch != 0) version.window.epoch = epoch;
  version.window.first_day = static_cast<int32_t>(in->SignedVarint());
  version.window.last_day = static_cast<int32_t>(in->SignedVarint());
  version.project = static_cast<uint32_t>(in->Varint());
  version.organisation_property = in->String();
  version.exposure = ReadExposure(in);
  version.facts = ReadFacts(in);
  version.changes = ReadTexts(in);
  if (in->ok() && !in->AtEnd() && in->Byte() == kSecondForm) version.origin = ReadOrigin(in);
  return version;
}

bool HasKnownForms(const IncidentExposure& exposure) {
  return std::ranges::all_of(exposure.fields, [](const IncidentField& one) {
    return !FieldFormName(one.exposed.field.form).empty();
  });
}

bool HasSource(const std::string& source) {
  return !source.empty() && source.size() <= kMaxIncidentTextBytes;
}

bool HaveSources(const auto& all) {
  return std::ranges::all_of(all, [](const auto& one) { return HasSource(one.second.source); });
}

bool AreShort(const auto& texts) {
  return std::ranges::all_of(
      texts, [](const std::string& text) { return text.size() <= kMaxIncidentTextBytes; });
}

}  // namespace

bool IsIncidentId(std::string_view id) {
  if (id.size() < kDateBytes + 2 || id.size() > kDateBytes + 7 || id[kDateBytes] != '-' ||
      id[kDateBytes + 1] == '0' || !ReadDay(id.substr(0, kDateBytes))) {
    return false;
  }
  return id.find_first_not_of("0123456789", kDateBytes + 1) == std::string_view::npos;
}

std::string EncodeResidence(const Residence& residence) {
  std::string bytes;
  ByteWriter out(&bytes);
  WriteResidence(&out, residence);
  return bytes;
}

Result<Residence> DecodeResidence(std::string_view bytes) {
  ByteReader in(bytes);
  Residence residence = ReadResidence(&in);
  return in.ok() && in.AtEnd() && EncodeResidence(residence) == bytes
             ? Result<Residence>(std::move(residence))
             : NoRecord();
}

std::string EncodeIncidentFacts(const IncidentFacts& facts) {
  std::string bytes;
  ByteWriter out(&bytes);
  WriteFacts(&out, facts);
  return bytes;
}

// Whatever is spelled otherwise than we do is none of ours.
Result<IncidentFacts> DecodeIncidentFacts(std::string_view bytes) {
  ByteReader in(bytes);
  IncidentFacts facts = ReadFacts(&in);
  return in.ok() && in.AtEnd() && NamesKnownThings(facts) && EncodeIncidentFacts(facts) == bytes
             ? Result<IncidentFacts>(std::move(facts))
             : NoRecord();
}

std::optional<std::string> FaultOfFacts(const IncidentFacts& facts) {
  if (!HaveSources(facts.moments) || !HaveSources(facts.clocks) || !HaveSources(facts.done) ||
      !HaveSources(facts.answers)) {
    return "every time and answer needs its source, of at most 2000 bytes";
  }
  const std::array<std::string, 4> texts = {facts.organisation, facts.happening, facts.contact,
                                            facts.check_page};
  if (!AreShort(texts) || !AreShort(facts.measures) || !AreShort(facts.not_exposed) ||
      !AreShort(facts.roles) || !AreShort(facts.established)) {
    return "a text of an incident has at most 2000 bytes";
  }
  for (const auto& [question, answer] : facts.answers) {
    if (std::ranges::none_of(DisclosureQuestions(),
                             [&](const auto& one) { return one.id == question; })) {
      return "an answer to a question that is none";
    }
  }
  for (const auto& [field, field_class] : facts.classes) {
    if (!IsFieldClass(field_class)) {
      return "a class that is none of Fideslang's, such as user.contact.email";
    }
  }
  return std::nullopt;
}

std::string PartyText(const IncidentVersion& version) {
  const std::string& party = version.origin.party;
  switch (version.origin.kind) {
    case IncidentKind::kVendor:
      return version.window.vendor;
    case IncidentKind::kMember:
      return party;
    case IncidentKind::kCredential:
      return "the credential of " + (party.empty() ? version.window.vendor : "account " + party);
    case IncidentKind::kExport:
      return "export " + party;
    case IncidentKind::kOurselves:
      return "ourselves (" + party + ")";
  }
  return party;
}

std::string PlaceText(const IncidentVersion& version) {
  return version.window.vendor.empty() ? "ourselves" : version.window.vendor;
}

std::string EncodeIncidentVersion(const IncidentVersion& version) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.String(version.id);
  out.Varint(version.number);
  out.SignedVarint(version.made_ms);
  for (const std::string* text : {&version.actor, &version.title, &version.why}) {
    out.String(*text);
  }
  out.Byte(version.closed ? 1 : 0);
  out.String(version.window.vendor);
  out.Varint(version.window.epoch.value_or(0));
  out.SignedVarint(version.window.first_day);
  out.SignedVarint(version.window.last_day);
  out.Varint(version.project);
  out.String(version.organisation_property);
  WriteExposure(&out, version.exposure);
  WriteFacts(&out, version.facts);
  WriteTexts(&out, version.changes);
  if (version.origin != IncidentOrigin{}) {
    out.Byte(kSecondForm);
    WriteOrigin(version.origin, &out);
  }
  return bytes;
}

Result<IncidentVersion> DecodeIncidentVersion(std::string_view bytes) {
  ByteReader in(bytes);
  IncidentVersion version = ReadVersion(&in);
  const bool good = in.ok() && in.AtEnd() && IsIncidentId(version.id) && version.number != 0 &&
                    NamesKnownThings(version.facts) && HasKnownForms(version.exposure) &&
                    IsSound(version.origin) && EncodeIncidentVersion(version) == bytes;
  return good ? Result<IncidentVersion>(std::move(version)) : NoRecord();
}

}  // namespace bulkhead
