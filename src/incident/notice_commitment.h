// What goes to the audit log before a notice is sent: the hash of each draft and the root of a hash
// tree (RFC 6962) over who gets one. Later anybody can be shown that a text is ours, and a
// recipient that they were told, and when at the latest; the log itself names nobody. A leaf is
// made from the recipient's address and code, which only they and we have: 75 bits that nobody
// guesses, so that leaves shown in a proof tell nothing of others. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit_entry.h"
#include "audit/merkle_tree.h"
#include "base/result.h"
#include "incident/notice.h"

namespace bulkhead {

// Of a draft, before codes are filled in: subject, text and HTML.
TreeHash HashOfTemplate(const Notice& draft);

// `code` in its one spelling (incident/notice_code.h).
TreeHash RecipientLeaf(std::string_view incident, std::string_view address, std::string_view code);

class RecipientTree {
 public:
  // In any order; each counts once. The tree is ordered by hash, which says nothing of who comes
  // when.
  explicit RecipientTree(std::vector<TreeHash> leaves);

  [[nodiscard]] uint64_t size() const { return leaves_.size(); }
  [[nodiscard]] TreeHash root() const;

  struct Proof {
    uint64_t index = 0;
    std::vector<TreeHash> path;  // for VerifyInclusion of audit/merkle_tree.h
  };
  // kNotFound: this recipient is not among them.
  [[nodiscard]] Result<Proof> Prove(const TreeHash& leaf) const;

 private:
  [[nodiscard]] TreeHash Subtree(unsigned level, uint64_t index) const;
  std::vector<TreeHash> leaves_;
};

struct NoticeCommitment {
  std::string actor;     // who sends
  std::string incident;  // its name: letters, digits, '-'
  std::vector<Notice> drafts;
  uint64_t recipients = 0;
  TreeHash root{};
};
// The entry that must be durable before the first notice leaves.
AuditEntry CommitmentEntry(const NoticeCommitment& commitment);

}  // namespace bulkhead
