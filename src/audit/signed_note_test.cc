#include "audit/signed_note.h"

#include <gtest/gtest.h>

#include "audit/audit_receipt.h"
#include "audit/log_fixture.h"
#include "audit/tiles.h"

namespace bulkhead {
namespace {

// The example of golang.org/x/mod/sumdb/note.
constexpr std::string_view kKeyText =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr std::string_view kNoteText =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "\xE2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    "\n";

TEST(SignedNoteTest, KeysAndNotesAreThoseOfOtherTools) {
  const std::optional<NoteKey> key = NoteKey::Parse(kKeyText);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->name, "PeterNeumann");
  EXPECT_EQ(key->Id(), 0xc74f20a3U);
  EXPECT_EQ(key->ToText(), kKeyText);
  const std::optional<SignedNote> note = ParseNote(kNoteText);
  ASSERT_TRUE(note);
  EXPECT_EQ(note->ToText(), kNoteText);
  ASSERT_EQ(note->signatures.size(), 1U);
  EXPECT_TRUE(IsSignatureOf(*key, note->signatures[0]));
  EXPECT_TRUE(VerifySignature(key->key, note->text, note->signatures[0].bytes));
}

TEST(SignedNoteTest, KeysHaveOneSpelling) {
  for (const std::string& wrong :
       {std::string(kKeyText.substr(1)), std::string(kKeyText) + "=",
        std::string(kKeyText) + "\n\n",
        std::string("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        std::string("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        std::string("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        std::string("a+b"), std::string()}) {
    EXPECT_FALSE(NoteKey::Parse(wrong)) << wrong;
  }
}

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() : key_(TestKey(1)) {
    checkpoint_ = {"log.example/audit", 70'000, LeafHash("root")};
    note_ = {checkpoint_.ToText(), {SignCheckpoint(checkpoint_, key_)}};
  }
  SigningKey key_;
  Checkpoint checkpoint_;
  SignedNote note_;
};

TEST_F(CheckpointTest, OpensUnderItsKeyOnly) {
  EXPECT_EQ(*OpenCheckpoint(note_.ToText(), TestLogKeys()), checkpoint_);
  LogKeys other = TestLogKeys();
  other[0].key = SigningKey(TestKey(2)).public_key();
  EXPECT_EQ(OpenCheckpoint(note_.ToText(), other).error().code, ErrorCode::kDenied);
  other = TestLogKeys();
  other[0].name = "other.example";
  EXPECT_EQ(OpenCheckpoint(note_.ToText(), other).error().code, ErrorCode::kDenied);
  EXPECT_EQ(OpenCheckpoint(note_.ToText(), {}).error().code, ErrorCode::kDenied);
}

TEST_F(CheckpointTest, EveryChangedByteIsRefused) {
  const std::string good = note_.ToText();
  for (size_t at = 0; at < good.size(); ++at) {
    for (const int change : {1, 4, 32, 128}) {
      std::string changed = good;
      changed[at] = static_cast<char>(changed[at] ^ change);
      EXPECT_FALSE(OpenCheckpoint(changed, TestLogKeys())) << at;
    }
    EXPECT_FALSE(OpenCheckpoint(good.substr(0, at), TestLogKeys())) << at;
    std::string longer = good;
    longer.insert(at, "\n");
    EXPECT_FALSE(OpenCheckpoint(longer, TestLogKeys())) << at;
  }
}

TEST_F(CheckpointTest, TextsHaveOneSpelling) {
  const std::string root = HashText(checkpoint_.root);
  EXPECT_TRUE(Checkpoint::Parse("a\n0\n" + root + "\n"));
  for (const std::string& wrong :
       {"a\n00\n" + root + "\n", "a\n-1\n" + root + "\n", "a\n+1\n" + root + "\n", "a\n1\n" + root,
        "a\n1\n" + root + "\nextension\n", "\n1\n" + root + "\n",
        "a\n18446744073709551616\n" + root + "\n", "a\n1\n" + root.substr(1) + "\n",
        "a b\n1\n" + root + "\n", std::string("a\n1\n\n"), std::string("a\n1\n")}) {
    EXPECT_FALSE(Checkpoint::Parse(wrong)) << wrong;
  }
}

TEST_F(CheckpointTest, CosignaturesCarryTheirTime) {
  const NoteKey witness{NoteKeyKind::kWitness, "witness.example",
                        SigningKey(TestKey(3)).public_key()};
  note_.signatures.push_back(Cosign(note_.text, witness, SigningKey(TestKey(3)), 1'679'315'147));
  const std::optional<SignedNote> read = ParseNote(note_.ToText());
  ASSERT_TRUE(read);
  EXPECT_EQ(CosignedAt(*read, witness), 1'679'315'147U);
  EXPECT_TRUE(OpenCheckpoint(*read, TestLogKeys()));
  EXPECT_FALSE(CosignedAt(SignedNote{note_.text, {note_.signatures[0]}}, witness));
  SignedNote changed = note_;
  changed.signatures[1].bytes[7] ^= 1;  // the time
  EXPECT_FALSE(CosignedAt(changed, witness));
  EXPECT_TRUE(NoteKey::Parse(witness.ToText()));
}

TEST(TileFormatTest, NamesAreThoseOfTheSpecification) {
  EXPECT_EQ(NumberPath(0), "000");
  EXPECT_EQ(NumberPath(999), "999");
  EXPECT_EQ(NumberPath(1000), "x001/000");
  EXPECT_EQ(NumberPath(1'234'067), "x001/x234/067");
  EXPECT_EQ(TilePath({2, 1'234'067, 17}), "tile/2/x001/x234/067.p/17");
  EXPECT_EQ(BundlePath(0, kTileWidth), "tile/entries/000");
  // Its example: 70,000 entries.
  EXPECT_EQ(FullTiles(0, 70'000), 273U);
  EXPECT_EQ(EdgeWidth(0, 70'000), 112U);
  EXPECT_EQ(FullTiles(1, 70'000), 1U);
  EXPECT_EQ(EdgeWidth(1, 70'000), 17U);
  EXPECT_EQ(EdgeWidth(2, 70'000), 1U);
  EXPECT_EQ(EdgeWidth(3, 70'000), 0U);
}

TEST(TileFormatTest, BundlesAreReadWhole) {
  std::string bundle;
  AppendToBundle("one", &bundle);
  AppendToBundle("", &bundle);
  AppendToBundle(std::string(300, 'x'), &bundle);
  ASSERT_TRUE(DecodeBundle(bundle, 3, true));
  EXPECT_EQ(DecodeBundle(bundle, 3, true)->at(0), "one");
  EXPECT_EQ(DecodeBundle(bundle, 3, true)->at(2).size(), 300U);
  EXPECT_TRUE(DecodeBundle(bundle, 2, false));
  EXPECT_FALSE(DecodeBundle(bundle, 2, true));
  EXPECT_FALSE(DecodeBundle(bundle, 4, false));
  EXPECT_FALSE(DecodeBundle(bundle.substr(0, bundle.size() - 1), 3, true));
}

class ReceiptTest : public AuditLogTest {};

TEST_F(ReceiptTest, ShowsAThirdPartyThatAnEntryIsInTheLog) {
  Fill(300);
  {
    const std::unique_ptr<AuditLog> log = Open();
    ASSERT_TRUE(log->Append(TestErasure(TestSubject(7))));
  }
  Fill(20);
  AuditReader reader = *Open()->Read();
  const std::string receipt = *reader.MakeReceipt(300);
  const Result<VerifiedReceipt> verified = VerifyReceipt(receipt, TestLogKeys());
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->record.index, 300U);
  EXPECT_EQ(verified->record.entry.subjects, std::vector<SubjectId>{TestSubject(7)});
  EXPECT_EQ(verified->checkpoint.size, 321U);
  EXPECT_EQ(reader.MakeReceipt(321).error().code, ErrorCode::kNotFound);
  LogKeys other = TestLogKeys();
  other[0].key = SigningKey(TestKey(2)).public_key();
  EXPECT_EQ(VerifyReceipt(receipt, other).error().code, ErrorCode::kDenied);
}

TEST_F(ReceiptTest, EveryChangedByteIsRefused) {
  Fill(5);
  AuditReader reader = *Open()->Read();
  const std::string receipt = *reader.MakeReceipt(3);
  for (size_t at = 0; at < receipt.size(); ++at) {
    std::string changed = receipt;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(VerifyReceipt(changed, TestLogKeys())) << at;
    EXPECT_FALSE(VerifyReceipt(receipt.substr(0, at), TestLogKeys())) << at;
  }
}

}  // namespace
}  // namespace bulkhead
