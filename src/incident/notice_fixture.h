// Sendings of notices for tests.
#pragma once

#include <string>

#include "incident/incident_versions_fixture.h"
#include "incident/notice_code.h"
#include "incident/notice_rounds.h"

namespace bulkhead {

inline SubjectId TestSubject(uint8_t n) {
  SubjectId subject;
  subject.bytes.fill(n);
  return subject;
}

inline std::string TestAddress(int n) { return "p" + std::to_string(n) + "@example.org"; }

inline TreeHash TestLeaf(const std::string& incident, const std::string& address) {
  const NoticeCodes codes(SecretBytes(std::string(kKeyBytes, 'c')));
  return RecipientLeaf(incident, address, codes.Of(incident, address));
}

// Recipients `first` to `last`, one subject each.
inline NoticeRound TestRound(uint32_t number, int first, int last,
                             const std::string& incident = "2025-11-26-1") {
  NoticeRound round;
  round.incident = incident;
  round.number = number;
  round.version = number;
  round.made_ms = 1'764'000'000'000 + number;
  round.entry = 40 + number;
  round.code_key = 1;
  round.organisation = "Platform";
  round.vendor = "acme";
  round.happening = "An attacker exported data.";
  round.first_day = 20'400;
  round.last_day = 20'410;
  round.draft.subject = "Some of your data was exposed";
  round.draft.text = "Your code: " + std::string(kNoticeCodePlace) + "\n";
  round.draft.html = "<p>" + std::string(kNoticeCodePlace) + "</p>";
  round.fields = {{"plan", FieldForm::kPlain}, {"town", FieldForm::kToken}};
  for (int n = first; n <= last; ++n) {
    round.recipients.push_back({{TestSubject(static_cast<uint8_t>(n))},
                                TestAddress(n),
                                TestLeaf(incident, TestAddress(n)),
                                {0, 1}});
  }
  round.without_address = 2;
  return round;
}

}  // namespace bulkhead
