// What may be asked of the vault, what stands in the record first, and what happens where it cannot
// stand there.
#include "vault/vault_service.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <set>

#include "vault/vault_fixture.h"

namespace bulkhead {
namespace {

constexpr int64_t kHourMs = 3600 * 1000;

// Notes acts as a line, and keeps a budget of distinct subjects.
class NotingGate final : public RevealGate {
 public:
  Result<RevealAllowed> Ask(const RevealAct& act) override {
    if (fail) {
      return Error{ErrorCode::kUnavailable, "disk full at /somewhere"};
    }
    if (fail_from_now && noted.size() >= *fail_from_now) {
      return Error{ErrorCode::kCorruption, "the record is damaged"};
    }
    std::set<SubjectId> after = seen;
    if (act.action != VaultAction::kErase) {
      after.insert(act.subjects.begin(), act.subjects.end());
    }
    if (after.size() > budget) {
      return Error{ErrorCode::kLimit, "the budget of today is used up"};
    }
    seen = after;
    Note(act, "");
    return RevealAllowed{noted.size(), budget - seen.size()};
  }
  Result<RevealAllowed> Ended(const RevealAct& act, bool done) override {
    if (fail || fail_end) {
      return Error{ErrorCode::kUnavailable, "disk full"};
    }
    Note(act, done ? " done" : " failed");
    return RevealAllowed{noted.size(), 0};
  }

  bool fail = false;
  bool fail_end = false;
  std::optional<size_t> fail_from_now;
  size_t budget = 100;
  std::set<SubjectId> seen;
  Lines noted;
  std::vector<RevealAct> acts;

 private:
  void Note(const RevealAct& act, const std::string& end) {
    static const char* const kNames[] = {"?",           "reveal",     "find",
                                         "erase",       "export ask", "export veto",
                                         "export page", "guesses",    "survey"};
    acts.push_back(act);
    noted.push_back(kNames[static_cast<int>(act.action)] + std::string(" ") +
                    std::to_string(act.subjects.size()) + " subjects " + std::to_string(act.count) +
                    " by " + act.asker.actor + " for " + act.asker.purpose + end);
  }
};

class VaultServiceTest : public VaultFixture {
 protected:
  VaultServiceTest() {
    Ingest({OnProfile(kJane, "$email", "jane@example.com", 1),
            OnProfile(kJane, "$name", "Jane Old", 1), OnProfile(kJane, "$name", "Jane New", 2),
            OnProfile(kOmar, "$email", "omar@example.com", 1)},
           10);
    service_ = Start();
  }
  VaultServiceOptions Options() {
    VaultServiceOptions options;
    options.vault = vault_.get();
    options.gate = &gate_;
    options.clock = &clock_;
    options.log_end = [this] { return log_end_; };
    options.exports_path = dir_ + "/exports.db";
    return options;
  }
  std::unique_ptr<VaultService> Start() {
    return std::move(VaultService::Start(Options())).value();
  }
  void Reopen() {
    service_.reset();
    vault_ = Open();
    service_ = Start();
  }
  // Through the bytes of the channel, both ways.
  Result<VaultAnswer> Ask(const VaultCall& call) {
    return DecodeVaultAnswer(service_->AnswerMessage(EncodeVaultCall(call), caller_).view());
  }
  template <typename Answer>
  Answer Get(const VaultCall& call) {
    Result<VaultAnswer> answer = Ask(call);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? std::get<Answer>(*std::move(answer)) : Answer();
  }
  ErrorCode Fails(const VaultCall& call) {
    const Result<VaultAnswer> answer = Ask(call);
    EXPECT_FALSE(answer);
    return answer ? ErrorCode::kBug : answer.error().code;
  }
  static VaultAsker Asker(const std::string& actor = "ann",
                          const std::string& purpose = "support request") {
    return {kProject, actor, purpose, "ticket 12"};
  }
  Lines Values(const RevealCall& call) {
    Lines lines;
    for (const RevealedSubject& subject : Get<RevealAnswer>(call).subjects) {
      for (const RevealedField& field : subject.fields) {
        lines.push_back(field.field + "=" + std::string(field.value.view()));
      }
    }
    return lines;
  }
  ExportAskCall ExportAsk() { return {Asker(), {}, {"$email"}, false, recipient_.public_key}; }

  VaultCaller caller_ = VaultCaller::kOperator;
  NotingGate gate_;
  ManualClock clock_{1'800'000'000'000};
  uint64_t log_end_ = 40;
  const SealKeyPair recipient_ = GenerateSealKeyPair();
  std::unique_ptr<VaultService> service_;
};

TEST_F(VaultServiceTest, TellsEgressWhomItHasAndOpensNothing) {
  caller_ = VaultCaller::kEgress;
  const HoldingsCall call{{kProject, "ann", "", ""}, {}};
  const HoldingsAnswer held = Get<HoldingsAnswer>(call);
  ASSERT_EQ(held.subjects.size(), 2U);
  EXPECT_EQ(held.subjects[0].subject, kJane);
  EXPECT_EQ(held.subjects[0].fields, (std::vector<std::string>{"$email", "$name"}));
  EXPECT_EQ(held.subjects[1].fields, std::vector<std::string>{"$email"});
  EXPECT_FALSE(held.more);
  EXPECT_EQ(gate_.acts.back().action, VaultAction::kSurvey);
  EXPECT_EQ(gate_.acts.back().asker.actor, "ann");
  EXPECT_EQ(gate_.acts.back().count, 2U);
  EXPECT_EQ(Get<HoldingsAnswer>(HoldingsCall{call.asker, kJane}).subjects.size(), 1U);
  const ProjectId other{kProject.value + 1};
  EXPECT_TRUE(Get<HoldingsAnswer>(HoldingsCall{{other, "ann", "", ""}, {}}).subjects.empty());
  EXPECT_EQ(Fails(HoldingsCall{{kProject, "", "", ""}, {}}), ErrorCode::kInvalid);
  gate_.fail = true;
  EXPECT_EQ(Fails(call), ErrorCode::kUnavailable);
  gate_.fail = false;
  caller_ = VaultCaller::kCompartment;
  EXPECT_EQ(Fails(call), ErrorCode::kDenied);
  caller_ = VaultCaller::kOperator;
  static_cast<void>(Get<EraseAnswer>(EraseCall{Asker(), {kJane}}));
  EXPECT_EQ(Get<HoldingsAnswer>(call).subjects.size(), 1U);
}

TEST_F(VaultServiceTest, AnswersWhatWasAskedAndNothingElse) {
  EXPECT_EQ(Values({Asker(), {kJane}, {"$name"}, false, false}), (Lines{"$name=Jane New"}));
  EXPECT_EQ(Values({Asker(), {kJane}, {"$name"}, true, false}),
            (Lines{"$name=Jane Old", "$name=Jane New"}));
  EXPECT_EQ(Values({Asker(), {kJane, kOmar}, {}, false, false}),
            (Lines{"$email=jane@example.com", "$name=Jane New", "$email=omar@example.com"}));
  EXPECT_EQ(Values({Asker(), {SubjectId{{9}}}, {}, false, false}), Lines{});
  VaultAsker other = Asker();
  other.project = ProjectId{2};
  EXPECT_EQ(Values({other, {kJane}, {}, true, false}), Lines{});
  EXPECT_EQ(Get<FindAnswer>(FindCall{other, "jane@example.com"}).subjects.size(), 0U);
  const RevealCall names{Asker(), {kJane}, {}, false, true};
  EXPECT_EQ(Values(names), (Lines{"$email=", "$name="}));
  EXPECT_EQ(gate_.noted[0], "reveal 1 subjects 1 by ann for support request");
  EXPECT_EQ(gate_.noted[2], "reveal 2 subjects 3 by ann for support request");
  EXPECT_EQ(gate_.acts[0].fields, (Lines{"$name"}));
}

TEST_F(VaultServiceTest, TheRecordStandsBeforeAnythingIsGiven) {
  const RevealCall reveal{Asker(), {kJane}, {}, false, false};
  const FindCall find{Asker(), "jane@example.com"};
  const EraseCall erase{Asker("ann", "erasure request"), {kJane}};
  gate_.fail = true;
  for (const VaultCall& call :
       {VaultCall(reveal), VaultCall(find), VaultCall(erase), VaultCall(ExportAsk())}) {
    const Result<VaultAnswer> answer = Ask(call);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
    EXPECT_EQ(answer.error().message.find("somewhere"), std::string::npos);
  }
  EXPECT_EQ(gate_.noted, Lines{});
  EXPECT_EQ(Get<StatusAnswer>(StatusCall{}).pending_exports, 0U);
  gate_.fail = false;
  EXPECT_EQ(Values(reveal).size(), 2U);  // nothing was destroyed either
  EXPECT_EQ(Get<FindAnswer>(find).subjects, (std::vector<SubjectId>{kJane}));
  // An address that nobody has is recorded too.
  EXPECT_EQ(Get<FindAnswer>(FindCall{Asker(), "no@example.com"}).subjects.size(), 0U);
  EXPECT_EQ(gate_.noted.back(), "find 0 subjects 0 by ann for support request");
}

TEST_F(VaultServiceTest, TheBudgetIsInDistinctSubjects) {
  gate_.budget = 1;
  EXPECT_EQ(Values({Asker(), {kJane}, {"$name"}, false, false}).size(), 1U);
  EXPECT_EQ(Values({Asker(), {kJane}, {"$email"}, false, false}).size(),
            1U);  // the same subject again
  EXPECT_EQ(Fails(RevealCall{Asker(), {kOmar}, {}, false, false}), ErrorCode::kLimit);
  EXPECT_EQ(Fails(FindCall{Asker(), "omar@example.com"}), ErrorCode::kLimit);
  EXPECT_EQ(Get<RevealAnswer>(RevealCall{Asker(), {kJane}, {}, false, false}).subjects_left, 0U);
}

TEST_F(VaultServiceTest, UnknownPurposesAndNamelessAskersAreRefused) {
  EXPECT_EQ(Fails(RevealCall{Asker("ann", "curiosity"), {kJane}, {}, false, false}),
            ErrorCode::kDenied);
  EXPECT_EQ(Fails(FindCall{Asker("ann", ""), "jane@example.com"}), ErrorCode::kDenied);
  EXPECT_EQ(Fails(EraseCall{Asker("ann", "x"), {kJane}}), ErrorCode::kDenied);
  EXPECT_EQ(Fails(RevealCall{Asker(""), {kJane}, {}, false, false}), ErrorCode::kInvalid);
  EXPECT_EQ(Fails(RevealCall{Asker("a\nb"), {kJane}, {}, false, false}), ErrorCode::kInvalid);
  VaultAsker asker = Asker();
  asker.reference = "jane@example.com";  // an address must not get into the record
  EXPECT_EQ(Fails(RevealCall{asker, {kJane}, {}, false, false}), ErrorCode::kInvalid);
  asker = Asker();
  asker.project = ProjectId{0};
  EXPECT_EQ(Fails(RevealCall{asker, {kJane}, {}, false, false}), ErrorCode::kInvalid);
  EXPECT_EQ(Fails(RevealCall{Asker(), {}, {}, false, false}), ErrorCode::kInvalid);
  EXPECT_EQ(Fails(RevealCall{Asker(), {kJane}, {""}, false, false}), ErrorCode::kInvalid);
  EXPECT_EQ(Fails(FindCall{Asker(), "not an address"}), ErrorCode::kInvalid);
  EXPECT_EQ(gate_.noted, Lines{});
}

TEST_F(VaultServiceTest, AnErasureIsRecordedBeforeAndAfterAndGivesItsProof) {
  const EraseAnswer answer =
      Get<EraseAnswer>(EraseCall{Asker("ann", "erasure request"), {kJane, SubjectId{{9}}}});
  ASSERT_EQ(answer.subjects.size(), 2U);
  EXPECT_EQ(answer.subjects[0].values, 3U);
  EXPECT_TRUE(answer.subjects[0].had_key);
  EXPECT_EQ(answer.subjects[0].erased_before, 40U);
  EXPECT_FALSE(answer.subjects[1].had_key);
  EXPECT_EQ(answer.entry, 2U);
  EXPECT_EQ(gate_.noted, (Lines{"erase 2 subjects 3 by ann for erasure request",
                                "erase 2 subjects 3 by ann for erasure request done"}));
  EXPECT_EQ(gate_.acts[0].log_position, 40U);
  EXPECT_EQ(Values({Asker(), {kJane}, {}, true, false}), Lines{});
  // Where the proof cannot be recorded nobody is told that all is well, and asking again works.
  gate_.fail_end = true;
  EXPECT_EQ(Fails(EraseCall{Asker("ann", "erasure request"), {kOmar}}), ErrorCode::kUnavailable);
  gate_.fail_end = false;
  EXPECT_FALSE(
      Get<EraseAnswer>(EraseCall{Asker("ann", "erasure request"), {kOmar}}).subjects[0].had_key);
}

TEST_F(VaultServiceTest, ErasuresOfTheAuditLogAreMadeBeforeAnythingCanBeAsked) {
  service_.reset();
  VaultServiceOptions options = Options();
  options.erasures = {{kJane, 30}};
  service_ = std::move(VaultService::Start(std::move(options))).value();
  EXPECT_EQ(Values({Asker(), {kJane}, {}, true, false}), Lines{});
  EXPECT_EQ(Values({Asker(), {kOmar}, {}, true, false}).size(), 1U);
}

TEST_F(VaultServiceTest, AFailureAfterTheRecordIsRecorded) {
  service_.reset();
  vault_.reset();
  RunSql("identities.db", "UPDATE identities SET box = zeroblob(60)");
  Reopen();
  EXPECT_EQ(Fails(RevealCall{Asker(), {kJane}, {}, false, false}), ErrorCode::kCorruption);
  EXPECT_EQ(gate_.noted, (Lines{"reveal 1 subjects 2 by ann for support request",
                                "reveal 1 subjects 2 by ann for support request failed"}));
}

TEST_F(VaultServiceTest, GuessesAreLimitedAndTheRefusedOnesAreCounted) {
  const PseudonymCall one{Asker(), {"user-1"}};
  const SubjectId first = Get<PseudonymAnswer>(one).subjects.at(0);
  SubjectId expected;
  KeyedHash(pseudonym_key_).Digest128("user-1", expected.bytes.data());
  EXPECT_EQ(first, expected);
  EXPECT_TRUE(Get<PseudonymAnswer>(PseudonymCall{Asker(), {""}}).subjects.at(0).IsNobody());
  const PseudonymCall many{Asker("x", "whatever"), Lines(1900, "guess")};
  EXPECT_EQ(Get<PseudonymAnswer>(many).subjects.size(), 1900U);
  EXPECT_EQ(Fails(many), ErrorCode::kLimit);  // 98 are left
  EXPECT_EQ(Fails(many), ErrorCode::kLimit);
  EXPECT_EQ(gate_.noted, (Lines{"guesses 0 subjects 1900 by x for whatever"}));
  for (int i = 0; i < 98; ++i) {
    (void)Get<FindAnswer>(FindCall{Asker(), "no@example.com"});
  }
  EXPECT_EQ(Fails(FindCall{Asker(), "jane@example.com"}), ErrorCode::kLimit);  // addresses too
  clock_.Set(clock_.NowMs() + 190'000);
  EXPECT_EQ(Get<PseudonymAnswer>(many).subjects.size(), 1900U);
  EXPECT_EQ(Fails(many), ErrorCode::kLimit);
  EXPECT_EQ(gate_.noted.back(), "guesses 0 subjects 3801 by x for whatever");
  EXPECT_EQ(Get<StatusAnswer>(StatusCall{}).refused_guesses, 5701U);
  clock_.Set(clock_.NowMs() + 1'000'000'000);  // no more than the burst is saved up
  EXPECT_EQ(Get<PseudonymAnswer>(PseudonymCall{Asker(), Lines(2000, "g")}).subjects.size(), 2000U);
  EXPECT_EQ(Get<PseudonymAnswer>(PseudonymCall{Asker(), Lines(2000, "g")}).subjects.size(), 2000U);
  EXPECT_EQ(Fails(one), ErrorCode::kLimit);
  EXPECT_EQ(Fails(PseudonymCall{Asker(""), {"a"}}), ErrorCode::kInvalid);
}

TEST_F(VaultServiceTest, BulkExportsAreTheOperatorsAlone) {
  const ExportInfo info = Get<ExportAnswer>(ExportAsk()).info;
  caller_ = VaultCaller::kCompartment;  // such as core, whoever has it
  for (const VaultCall& call : {VaultCall(ExportAsk()), VaultCall(ExportListCall{kProject}),
                                VaultCall(ExportVetoCall{Asker(), info.export_id}),
                                VaultCall(ExportPageCall{Asker(), info.export_id, {}})}) {
    EXPECT_EQ(Fails(call), ErrorCode::kDenied);
  }
  EXPECT_EQ(Values({Asker(), {kJane}, {"$name"}, false, false}), (Lines{"$name=Jane New"}));
}

TEST_F(VaultServiceTest, EgressRevealsForVendorsAndForNoticesAddressesAlone) {
  caller_ = VaultCaller::kEgress;
  const VaultAsker notice = Asker("incident.2025-11-26-1", "security incident");
  EXPECT_EQ(Values({notice, {kJane}, {"$email"}, false, false}).size(), 1U);
  EXPECT_EQ(Values({Asker("vendor.acme"), {kJane}, {"$name"}, false, false}),
            (Lines{"$name=Jane New"}));
  EXPECT_EQ(Fails(RevealCall{notice, {kJane}, {"$name"}, false, false}), ErrorCode::kDenied);
  EXPECT_EQ(Fails(RevealCall{notice, {kJane}, {"$email", "$name"}, false, false}),
            ErrorCode::kDenied);
  EXPECT_EQ(Fails(RevealCall{notice, {kJane}, {}, false, false}), ErrorCode::kDenied);
  EXPECT_EQ(Fails(RevealCall{notice, {kJane}, {"$email"}, true, false}), ErrorCode::kDenied);
  EXPECT_EQ(Fails(RevealCall{Asker(), {kJane}, {"$email"}, false, false}), ErrorCode::kDenied);
  EXPECT_EQ(Fails(FindCall{notice, "jane@example.com"}), ErrorCode::kDenied);
}

TEST_F(VaultServiceTest, ABulkExportWaitsAndIsSealedToItsRecipient) {
  const ExportInfo info = Get<ExportAnswer>(ExportAsk()).info;
  EXPECT_EQ(info.due_ms, clock_.NowMs() + 24 * kHourMs);
  ExportPageCall page{Asker(), info.export_id, {}};
  EXPECT_EQ(Fails(page), ErrorCode::kDenied);
  clock_.Set(info.due_ms - 1);
  Reopen();  // it waits through a restart
  EXPECT_EQ(Fails(page), ErrorCode::kDenied);
  EXPECT_EQ(Get<ExportListAnswer>(ExportListCall{kProject}).exports.at(0).state,
            ExportState::kWaiting);
  clock_.Set(info.due_ms);
  EXPECT_EQ(Fails(ExportPageCall{Asker("bob"), info.export_id, {}}), ErrorCode::kDenied);
  VaultAsker other = Asker();
  other.project = ProjectId{2};
  EXPECT_EQ(Fails(ExportPageCall{other, info.export_id, {}}), ErrorCode::kNotFound);
  gate_.fail = true;
  EXPECT_EQ(Fails(page), ErrorCode::kUnavailable);
  gate_.fail = false;
  const ExportPageAnswer answer = Get<ExportPageAnswer>(page);
  EXPECT_EQ(gate_.noted.back(), "export page 2 subjects 2 by ann for support request");
  EXPECT_EQ(gate_.acts.back().export_id, info.export_id);
  EXPECT_EQ(answer.sealed.find("example.com"), std::string::npos);
  const Result<SecretBytes> opened =
      Unseal(recipient_.public_key, recipient_.private_key, answer.sealed);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->view(),
            "{\"subject\":\"01000000000000000000000000000000\",\"field\":\"$email\","
            "\"value\":\"jane@example.com\",\"first_seen_ms\":1,\"last_seen_ms\":1,"
            "\"from_profile\":true,\"current\":true}\n"
            "{\"subject\":\"02000000000000000000000000000000\",\"field\":\"$email\","
            "\"value\":\"omar@example.com\",\"first_seen_ms\":1,\"last_seen_ms\":1,"
            "\"from_profile\":true,\"current\":true}\n");
  page.after = answer.last;
  EXPECT_EQ(Get<ExportPageAnswer>(page).subjects, 0U);
  clock_.Set(info.due_ms + 7 * 24 * kHourMs);
  page.after = {};
  EXPECT_EQ(Fails(page), ErrorCode::kDenied);
  EXPECT_EQ(Get<ExportListAnswer>(ExportListCall{kProject}).exports.at(0).state,
            ExportState::kExpired);
}

TEST_F(VaultServiceTest, AnybodyMayVetoABulkExport) {
  const ExportInfo info = Get<ExportAnswer>(ExportAsk()).info;
  // Also while nothing can be recorded: it keeps something in.
  gate_.fail = true;
  EXPECT_EQ(Fails(ExportVetoCall{Asker("bob", ""), info.export_id}), ErrorCode::kUnavailable);
  gate_.fail = false;
  EXPECT_EQ(Get<ExportListAnswer>(ExportListCall{kProject}).exports.at(0).state,
            ExportState::kVetoed);
  EXPECT_EQ(Get<ExportAnswer>(ExportVetoCall{Asker("cy", ""), info.export_id}).info.vetoed_by,
            "bob");
  EXPECT_EQ(gate_.noted.back(), "export veto 0 subjects 0 by cy for ");
  EXPECT_EQ(Fails(ExportVetoCall{Asker("cy", ""), "none"}), ErrorCode::kNotFound);
  clock_.Set(info.due_ms);
  Reopen();
  EXPECT_EQ(Fails(ExportPageCall{Asker(), info.export_id, {}}), ErrorCode::kDenied);
}

TEST_F(VaultServiceTest, AVetoInTheAuditLogHoldsAfterARestoreOfTheVaultsFiles) {
  const ExportInfo info = Get<ExportAnswer>(ExportAsk()).info;
  service_.reset();
  VaultServiceOptions options = Options();
  options.vetoed_exports = {info.export_id, "unknown"};
  service_ = std::move(VaultService::Start(std::move(options))).value();
  clock_.Set(info.due_ms);
  EXPECT_EQ(Fails(ExportPageCall{Asker(), info.export_id, {}}), ErrorCode::kDenied);
}

TEST_F(VaultServiceTest, AnExportNobodyCouldHearOfIsVetoedAtOnce) {
  gate_.fail_end = true;
  EXPECT_EQ(Fails(ExportAsk()), ErrorCode::kUnavailable);
  gate_.fail_end = false;
  EXPECT_EQ(Get<ExportListAnswer>(ExportListCall{kProject}).exports.at(0).state,
            ExportState::kVetoed);
}

TEST_F(VaultServiceTest, ApprovalIsAskedWhenTheTimeHasCome) {
  class NotYet final : public ExportApproval {
   public:
    bool approved = false;
    Result<void> Check(const ExportInfo&) override {
      return approved ? Result<void>() : Error{ErrorCode::kDenied, "one more member must agree"};
    }
  } approval;
  service_.reset();
  VaultServiceOptions options = Options();
  options.approval = &approval;
  service_ = std::move(VaultService::Start(std::move(options))).value();
  const ExportInfo info = Get<ExportAnswer>(ExportAsk()).info;
  clock_.Set(info.due_ms);
  EXPECT_EQ(Fails(ExportPageCall{Asker(), info.export_id, {}}), ErrorCode::kDenied);
  approval.approved = true;
  EXPECT_EQ(Get<ExportPageAnswer>(ExportPageCall{Asker(), info.export_id, {}}).subjects, 2U);
}

TEST_F(VaultServiceTest, ExportsAreFewAndNamedOnesStayWithinTheirList) {
  ExportAskCall named = ExportAsk();
  named.subjects = {kOmar, kOmar, SubjectId{{9}}};
  const ExportInfo info = Get<ExportAnswer>(named).info;
  named.recipient = {};
  EXPECT_EQ(Fails(named), ErrorCode::kInvalid);
  for (int i = 1; i < 32; ++i) {
    (void)Get<ExportAnswer>(ExportAsk());
  }
  EXPECT_EQ(Fails(ExportAsk()), ErrorCode::kLimit);
  EXPECT_EQ(Get<StatusAnswer>(StatusCall{}).pending_exports, 32U);
  clock_.Set(info.due_ms);
  EXPECT_EQ(Get<ExportPageAnswer>(ExportPageCall{Asker(), info.export_id, {}}).subjects, 2U);
  EXPECT_EQ(gate_.acts.back().subjects, (std::vector<SubjectId>{kOmar, SubjectId{{9}}}));
  clock_.Set(info.due_ms + 91LL * 24 * kHourMs);
  (void)Get<ExportAnswer>(ExportAsk());
  EXPECT_EQ(Get<ExportListAnswer>(ExportListCall{kProject}).exports.size(), 1U);
}

TEST_F(VaultServiceTest, RotationsGoOnStepByStep) {
  wraps_.push_back({2, RandomSecret(kKeyBytes)});
  blinds_.push_back({2, RandomSecret(kKeyBytes)});
  ASSERT_TRUE(vault_->UseKeys(Keys()));
  EXPECT_EQ(Get<RotateAnswer>(RotateCall{1}).subject_keys.remaining, 1U);
  const RotateAnswer last = Get<RotateAnswer>(RotateCall{1});
  EXPECT_EQ(last.subject_keys.remaining, 0U);
  EXPECT_EQ(last.addresses.remaining, 0U);
}

TEST(VaultPolicyTest, TakesWhatItKnowsAndNamesTheLineOfWhatItDoesNot) {
  const Result<VaultPolicy> policy = ParseVaultPolicy(
      "# ours\npurpose = fraud\r\n purpose=audit # yearly\nexport_lock_hours = 48\n"
      "guesses_per_second = 5\nguesses_at_once = 10");
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->purposes, (Lines{"fraud", "audit"}));
  EXPECT_EQ(policy->export_lock_ms, 48 * kHourMs);
  EXPECT_EQ(policy->guesses.per_second, 5U);
  EXPECT_EQ(policy->guesses.at_start, 5U);
  EXPECT_EQ(ParseVaultPolicy("")->purposes, VaultPolicy().purposes);
  for (const char* line : {"purpose", "purpose =", "export_lock_hours = 0", "colour = red",
                           "export_lock_hours = 24x", "guesses_per_second = -1"}) {
    const Result<VaultPolicy> wrong = ParseVaultPolicy(std::string("\n") + line);
    ASSERT_FALSE(wrong) << line;
    EXPECT_NE(wrong.error().message.find("line 2"), std::string::npos);
  }
}

}  // namespace
}  // namespace bulkhead
