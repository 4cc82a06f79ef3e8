#include "main/notice_check.h"

#include <ranges>

#include "base/hex.h"
#include "incident/notice_commitment.h"
#include "main/audit_messages.h"
#include "vault/email.h"

namespace bulkhead {
namespace {

constexpr std::string_view kActor = "notice page";

// What the answer is bound to: the code in its one spelling, if it is one.
std::string HashOfQuestion(const NoticeQuestion& question, const std::string& address) {
  const std::string code = NormaliseNoticeCode(question.code).value_or(question.code);
  return HexEncode(Sha256(code + "\n" + address));
}

}  // namespace

NoticeCheck::NoticeCheck(Parts parts) : parts_(std::move(parts)) {
  for (const KeyRing::Entry& entry : parts_.code_keys->entries()) {
    codes_.emplace(entry.id, entry.key);
  }
  for (const KeyRing::Entry& entry : parts_.signing_seeds->entries()) {
    signing_keys_.emplace_back(entry.key);
  }
}

// Every incident and key is tried, whether one was right or not.
std::optional<NoticeCheck::Match> NoticeCheck::FindCode(const NoticeQuestion& question,
                                                        const std::string& address) const {
  std::optional<Match> match;
  for (const auto& [incident, key] : parts_.rounds->CodeKeys()) {
    const auto codes = codes_.find(key);
    if (codes == codes_.end()) continue;
    const bool right = codes->second.Verify(question.code, incident, address);
    if (right) match = Match{incident, codes->second.Of(incident, address)};
  }
  return match;
}

Result<NoticeAnswer> NoticeCheck::Answer(const NoticeQuestion& question) const {
  const std::string address = NormaliseEmail(question.address).value_or(question.address);
  const std::string asked = HashOfQuestion(question, address);
  const std::optional<Match> match = FindCode(question, address);
  std::optional<FoundRecipient> found;
  if (match) {
    found =
        parts_.rounds->Find(match->incident, RecipientLeaf(match->incident, address, match->code));
  }
  NoticeAnswer answer = AnswerNo(asked, parts_.clock->NowMs());
  if (found) {
    AuditEntry entry;
    entry.actor = kActor;
    entry.action = kNoticeCheckAction;
    entry.scope = "incident " + match->incident;
    entry.subjects = found->subjects;
    entry.count = found->subjects.size();
    entry.outcome = "allowed";
    if (const Result<uint64_t> recorded = parts_.record(entry); !recorded) {
      return Error{ErrorCode::kUnavailable, "the answer could not be written down"};
    }
    answer = AnswerYes(asked, parts_.clock->NowMs(), match->incident, *found);
  }
  SignAnswer(signing_keys_.back(), &answer);
  return answer;
}

std::string NoticeCheck::Keys() const {
  std::string pem;
  for (const SigningKey& key : std::views::reverse(signing_keys_)) {
    pem += PublicKeyPem(key.public_key());
  }
  return pem;
}

std::optional<TreeHash> NoticeCheck::LeafOf(const std::string& incident,
                                            const std::string& address) const {
  for (const auto& [of, key] : parts_.rounds->CodeKeys()) {
    const auto codes = codes_.find(key);
    if (of != incident || codes == codes_.end()) continue;
    const TreeHash leaf = RecipientLeaf(incident, address, codes->second.Of(incident, address));
    if (parts_.rounds->Find(incident, leaf)) return leaf;
  }
  return std::nullopt;
}

}  // namespace bulkhead
