// One version of what is known of an incident, as it is kept: at whom and in which window, what the
// ledger, the audit log or the compartments said of it at that moment, and what people added. A
// correction is another version; this one stays. It holds no pseudonym: who is concerned is asked
// of them anew, so that an erasure need not change a version, and a digest tells whether the answer
// is still the same. docs/formats/incident.md draws the bytes. Plain data and its codec; safe on
// arbitrary bytes.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "egress/ledger.h"
#include "incident/disclosure_record.h"
#include "incident/incident_origin.h"
#include "incident/obligation_rule.h"

namespace bulkhead {

inline constexpr size_t kRiskBands = 4;
inline constexpr size_t kMaxIncidentTextBytes = 2000;

struct IncidentField {
  ExposedField exposed;
  std::string field_class;  // Fideslang's
};

// Where subjects live, and their organisations, as far as core knows.
struct Residence {
  std::map<std::string, uint64_t> countries;      // ISO 3166-1 alpha-2; "": not known
  std::map<std::string, uint64_t> organisations;  // a subject in each of its own; "": none known
  uint64_t organisations_left_out = 0;            // subjects in those beyond the most that are told
  friend bool operator==(const Residence&, const Residence&) = default;
};

struct IncidentExposure {
  uint64_t subjects = 0;
  uint64_t sends = 0;
  std::vector<IncidentField> fields;
  std::vector<std::pair<uint32_t, uint64_t>> sends_of_epoch;
  Residence residence;
  std::array<uint64_t, kRiskBands> bands{};   // subjects in each, by RiskBand
  std::array<uint8_t, 32> subjects_digest{};  // of all pseudonyms in order, by parts
};

// What people know or have answered. Every time and answer has its source.
struct IncidentFacts {
  using Time = DisclosureVersion::Time;
  using Answer = DisclosureVersion::Answer;

  std::map<DisclosureMoment, Time> moments;  // the clock of each party
  std::map<std::string, Time> clocks;        // of the obligations' file, where told apart
  std::map<std::string, Time> done;          // duties fulfilled, by the obligation's id
  std::map<std::string, Answer> answers;     // of the vendor, to DisclosureQuestions
  std::optional<int> promised_hours;         // by contract, from its awareness to our being told
  std::set<std::string> roles, established;  // ours
  Risk risk = Risk::kNotAssessed;
  bool unintelligible = false;
  bool complete = false;  // nothing more is expected
  std::string organisation, happening, contact, check_page;
  std::vector<std::string> measures, not_exposed;
  std::map<std::string, std::string> classes;  // of fields, where told otherwise than by name
};

struct IncidentVersion {
  std::string id;       // "2025-11-26-1": the day that it was opened, and a number
  uint32_t number = 0;  // from 1
  int64_t made_ms = 0;
  std::string actor;
  std::string title;
  std::string why;  // this version; of the first one nothing
  bool closed = false;
  LedgerWindow window;
  uint32_t project = 0;
  std::string organisation_property;  // what names a person's organisation; empty: nothing does
  IncidentExposure exposure;
  IncidentFacts facts;
  std::vector<std::string> changes;  // against the version before
  IncidentOrigin origin;
};

// Whether it is an incident's name: a day, '-', a number.
bool IsIncidentId(std::string_view id);

std::string EncodeResidence(const Residence& residence);
// kInvalid: not what EncodeResidence writes.
Result<Residence> DecodeResidence(std::string_view bytes);

std::string EncodeIncidentFacts(const IncidentFacts& facts);
// kInvalid: not what EncodeIncidentFacts writes.
Result<IncidentFacts> DecodeIncidentFacts(std::string_view bytes);

// Why these may not be kept, or nothing: a text that is too long, a time or answer without its
// source, a question that is none, a class that Fideslang does not have.
std::optional<std::string> FaultOfFacts(const IncidentFacts& facts);

// At whom, in words: "acme", "ann", "the credential of acme", "ourselves (vault)".
std::string PartyText(const IncidentVersion& version);
// Where it was, in the words of notices: the vendor, or "ourselves".
std::string PlaceText(const IncidentVersion& version);

std::string EncodeIncidentVersion(const IncidentVersion& version);
// kInvalid: not what EncodeIncidentVersion writes.
Result<IncidentVersion> DecodeIncidentVersion(std::string_view bytes);

}  // namespace bulkhead
