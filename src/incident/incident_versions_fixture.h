// Versions of a made-up incident in which every part has something in it, for tests.
#pragma once

#include <string>

#include "crypto/key_ring.h"
#include "incident/incident_record.h"

namespace bulkhead {

inline IncidentVersion FullVersion(uint32_t number = 1, const std::string& id = "2025-11-26-1") {
  IncidentVersion version;
  version.id = id;
  version.number = number;
  version.made_ms = 1'764'115'200'000;
  version.actor = "operator";
  version.title = "export at the vendor";
  version.why = number == 1 ? "" : "wider";
  version.window = {"acme", 2, 20'400, 20'410};
  version.project = 1;
  version.organisation_property = "company";
  version.exposure.subjects = 7;
  version.exposure.sends = 70;
  version.exposure.fields.resize(2);
  version.exposure.fields[0].exposed = {{"plan", FieldForm::kPlain}, 7, 70, 20'400, 20'409};
  version.exposure.fields[0].field_class = "user.settings";
  version.exposure.fields[1].exposed = {{"town", FieldForm::kToken}, 3, 9, 20'401, 20'401};
  version.exposure.fields[1].field_class = "user.contact.address.city";
  version.exposure.sends_of_epoch = {{2, 70}};
  version.exposure.residence = {{{"", 1}, {"DE", 6}}, {{"org0", 5}, {"", 2}}, 3};
  version.exposure.bands = {7, 0, 0, 0};
  version.exposure.subjects_digest.fill(0xAB);
  IncidentFacts& facts = version.facts;
  facts.moments[DisclosureMoment::kVendorAware] = {1'762'646'400'000, "the vendor's notice"};
  facts.moments[DisclosureMoment::kPublic] = {std::nullopt, "asked"};
  facts.clocks["classified"] = {1'764'115'200'000, "minutes"};
  facts.done["gdpr-33-1"] = {1'764'201'600'000, "receipt"};
  facts.answers["data-set"] = {true, "mail"};
  facts.answers["logs"] = {std::nullopt, "asked"};
  facts.promised_hours = 72;
  facts.roles = {"controller"};
  facts.established = {"DE", "US-CA"};
  facts.risk = Risk::kHigh;
  facts.complete = true;
  facts.organisation = "Platform";
  facts.happening = "An attacker exported data.";
  facts.contact = "the officer";
  facts.measures = {"The vendor was removed."};
  facts.not_exposed = {"passwords"};
  facts.classes = {{"plan", "user.settings"}};
  version.changes = {"subjects: 7, was 0"};
  return version;
}

// Keys of these numbers, each its own.
inline KeyRing TestRing(std::initializer_list<uint32_t> numbers) {
  KeyRing ring;
  for (const uint32_t number : numbers) {
    ring.Add(number, SecretBytes(std::string(kKeyBytes, static_cast<char>('a' + number))));
  }
  return ring;
}

}  // namespace bulkhead
