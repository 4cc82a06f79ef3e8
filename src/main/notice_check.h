// Answers whether a notice is ours: egress' side of the page /notice. A wrong code and an address
// that was never told are answered alike, in the same time; what a right one reads of a person is
// in the audit log first, as the actor "notice page".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/audit_entry.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "incident/notice_code.h"
#include "incident/notice_rounds.h"
#include "incident/notice_statement.h"

namespace bulkhead {

// From intake: a question (incident/notice_statement.h), and nothing.
inline constexpr uint8_t kEgressNoticeCheck = 4;
inline constexpr uint8_t kEgressNoticeKeys = 5;

// Thread-safe.
class NoticeCheck {
 public:
  struct Parts {
    const NoticeRounds* rounds = nullptr;
    const KeyRing* code_keys = nullptr;
    const KeyRing* signing_seeds = nullptr;
    const Clock* clock = nullptr;
    std::function<Result<uint64_t>(const AuditEntry&)> record;
  };
  explicit NoticeCheck(Parts parts);

  // kUnavailable: the read could not be written down.
  [[nodiscard]] Result<NoticeAnswer> Answer(const NoticeQuestion& question) const;
  // The public keys of answers, newest first, in PEM.
  [[nodiscard]] std::string Keys() const;
  // The recipient's leaf, where this address (in its one spelling) has a notice of the incident.
  [[nodiscard]] std::optional<TreeHash> LeafOf(const std::string& incident,
                                               const std::string& address) const;

 private:
  struct Match {
    std::string incident, code;
  };
  [[nodiscard]] std::optional<Match> FindCode(const NoticeQuestion& question,
                                              const std::string& address) const;

  const Parts parts_;
  std::map<uint32_t, NoticeCodes> codes_;  // by key
  std::vector<SigningKey> signing_keys_;   // newest last
};

}  // namespace bulkhead
