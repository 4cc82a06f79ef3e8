// One sending of notices: to whom, riskiest first, with which words, and which entry of the audit
// log committed to it. It is kept as it was planned; what became of each recipient is written
// behind it (incident/notice_rounds.h). docs/formats/notices.md draws the bytes. Plain data and its
// codec; safe on arbitrary bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/merkle_tree.h"
#include "base/result.h"
#include "egress/ledger.h"
#include "incident/notice.h"
#include "model/ids.h"

namespace bulkhead {

struct NoticeRecipient {
  std::vector<SubjectId> subjects;  // who share the address; none: erased
  std::string address;              // in its one spelling; empty once no mail needs it
  TreeHash leaf{};                  // incident/notice_commitment.h
  std::vector<uint32_t> fields;     // places in NoticeRound::fields: what was exposed of them
};

struct NoticeRound {
  std::string incident;
  uint32_t number = 0;   // of this incident, from 1
  uint32_t version = 0;  // of the incident, that the notice was made from
  int64_t made_ms = 0;
  uint64_t entry = 0;     // of the audit log, with the commitment
  uint32_t code_key = 0;  // the number of the key that the codes are of
  std::string organisation, vendor, happening;
  int32_t first_day = 0, last_day = 0;  // of the exposure
  Notice draft;                         // with kNoticeCodePlace
  SentFields fields;
  std::vector<NoticeRecipient> recipients;  // riskiest first
  uint64_t without_address = 0;  // subjects of whom the vault knows none, or none that works
  uint64_t not_revealed = 0;     // subjects beyond the day's budget
};

std::string EncodeNoticeRound(const NoticeRound& round);
// kInvalid: not what EncodeNoticeRound writes, or a field that is not there.
Result<NoticeRound> DecodeNoticeRound(std::string_view bytes);

enum class RecipientState : uint8_t { kWaiting = 0, kTold, kRefused, kErased };

// What became of a recipient.
struct RecipientNote {
  static constexpr size_t kBytes = 4 + 1 + 2 + 8;
  uint32_t recipient = 0;  // place in the round
  RecipientState state = RecipientState::kWaiting;
  uint16_t code = 0;  // the relay's last reply; 0: none
  int64_t at_ms = 0;
};
std::string EncodeRecipientNote(const RecipientNote& note);
// kInvalid: not what EncodeRecipientNote writes.
Result<RecipientNote> DecodeRecipientNote(std::string_view bytes);

// Addresses that an operator brings, a page of them on the way from a command to egress.
struct SubjectAddress {
  SubjectId subject;
  std::string address;  // in its one spelling
};
inline constexpr size_t kMaxAddressBytes = 254;
inline constexpr size_t kMaxPageAddresses = 200;
std::string EncodeAddressPage(const std::vector<SubjectAddress>& page);
// kInvalid: not what EncodeAddressPage writes, or more than kMaxPageAddresses.
Result<std::vector<SubjectAddress>> DecodeAddressPage(std::string_view bytes);

}  // namespace bulkhead
