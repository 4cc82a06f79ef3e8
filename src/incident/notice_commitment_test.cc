#include "incident/notice_commitment.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "incident/notice_code.h"

namespace bulkhead {
namespace {

TEST(NoticeCommitmentTest, EveryRecipientAndNobodyElseIsProved) {
  InitCrypto();
  const NoticeCodes codes(SecretBytes(std::string_view(std::string(32, 'k'))));
  for (const int count : {1, 2, 3, 7, 8, 100}) {
    std::vector<TreeHash> leaves;
    for (int i = count - 1; i >= 0; --i) {
      const std::string address = std::to_string(i) + "@example.com";
      leaves.push_back(RecipientLeaf("inc-1", address, codes.Of("inc-1", address)));
    }
    leaves.push_back(leaves.front());  // told once, counted once
    const RecipientTree tree(leaves);
    ASSERT_EQ(tree.size(), static_cast<uint64_t>(count));
    for (const TreeHash& leaf : leaves) {
      const RecipientTree::Proof proof = tree.Prove(leaf).value();
      EXPECT_TRUE(VerifyInclusion(proof.index, tree.size(), leaf, proof.path, tree.root()));
    }
    const auto other = tree.Prove(RecipientLeaf("inc-1", "other@example.com", "ABCD"));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, ErrorCode::kNotFound);
  }
  EXPECT_EQ(RecipientTree({}).root(), EmptyTreeRoot());
}

TEST(NoticeCommitmentTest, LeavesDifferInEachPart) {
  EXPECT_NE(RecipientLeaf("a", "b", "c"), RecipientLeaf("ab", "", "c"));
  EXPECT_NE(RecipientLeaf("a", "b", "c"), RecipientLeaf("a", "b", "d"));
}

TEST(NoticeCommitmentTest, TheEntryCanBeWrittenAndNamesEachDraft) {
  NoticeCommitment commitment;
  commitment.actor = "operator";
  commitment.incident = "inc-2025-11";
  NoticeFacts facts;
  facts.contact = "dpo@example.com";
  for (const NoticeKind kind : {NoticeKind::kUser, NoticeKind::kOrganisation}) {
    commitment.drafts.push_back(DraftNotice(kind, facts).value());
  }
  commitment.recipients = 70000;
  const AuditEntry entry = CommitmentEntry(commitment);
  EXPECT_FALSE(FaultOfEntry(entry));
  const std::string written = WriteAuditRecord({entry, 3, 1'764'000'000'000, std::nullopt});
  EXPECT_TRUE(ReadAuditRecord(written));
  EXPECT_EQ(entry.fields[0], "user sha256 " + HexEncode(HashOfTemplate(commitment.drafts[0])));
  EXPECT_EQ(entry.count, 70000U);
  EXPECT_EQ(written.find("example.com"), std::string::npos);
  Notice changed = commitment.drafts[0];
  changed.text[5] = 'x';
  EXPECT_NE(HashOfTemplate(changed), HashOfTemplate(commitment.drafts[0]));
  EXPECT_NE(HashOfTemplate(WithCode(commitment.drafts[0], "ABCD")),
            HashOfTemplate(commitment.drafts[0]));
}

}  // namespace
}  // namespace bulkhead
