#include "incident/notice_commitment.h"

#include <algorithm>

#include "base/hex.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

// Lengths stand before texts, so that no two lists of texts are one.
std::string Framed(std::string_view label, std::initializer_list<std::string_view> texts) {
  std::string framed(label);
  for (const std::string_view text : texts) {
    framed.append(1, '\n').append(std::to_string(text.size())).append(1, ' ').append(text);
  }
  return framed;
}

}  // namespace

TreeHash HashOfTemplate(const Notice& draft) {
  return Sha256(Framed("bulkhead notice", {draft.subject, draft.text, draft.html}));
}

TreeHash RecipientLeaf(std::string_view incident, std::string_view address, std::string_view code) {
  return LeafHash(Framed("bulkhead notice recipient", {incident, address, code}));
}

RecipientTree::RecipientTree(std::vector<TreeHash> leaves) : leaves_(std::move(leaves)) {
  std::ranges::sort(leaves_);
  leaves_.erase(std::unique(leaves_.begin(), leaves_.end()), leaves_.end());
}

TreeHash RecipientTree::root() const { return RootOf(leaves_); }

TreeHash RecipientTree::Subtree(unsigned level, uint64_t index) const {
  const size_t begin = index << level;
  return RootOf(std::span(leaves_).subspan(begin, size_t{1} << level));
}

Result<RecipientTree::Proof> RecipientTree::Prove(const TreeHash& leaf) const {
  const auto found = std::ranges::lower_bound(leaves_, leaf);
  if (found == leaves_.end() || *found != leaf) {
    return Error{ErrorCode::kNotFound, "no such recipient among those who were told"};
  }
  Proof proof;
  proof.index = static_cast<uint64_t>(found - leaves_.begin());
  auto path = InclusionProof(
      proof.index, leaves_.size(),
      [&](unsigned level, uint64_t index) -> Result<TreeHash> { return Subtree(level, index); });
  if (!path) return path.error();
  proof.path = std::move(path).value();
  return proof;
}

AuditEntry CommitmentEntry(const NoticeCommitment& commitment) {
  AuditEntry entry;
  entry.actor = commitment.actor;
  entry.action = "notice";
  entry.purpose = "incident " + commitment.incident;
  entry.scope = "recipients " + HexEncode(commitment.root);
  entry.count = commitment.recipients;
  entry.outcome = "allowed";
  for (const Notice& draft : commitment.drafts) {
    entry.fields.push_back(std::string(NoticeKindName(draft.kind)) + " sha256 " +
                           HexEncode(HashOfTemplate(draft)));
  }
  return entry;
}

}  // namespace bulkhead
