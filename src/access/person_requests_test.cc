#include "access/person_requests.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "access/person_request_file.h"
#include "base/faulty_file_system.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr ProjectId kProject{1};
constexpr int64_t kDayMs = 24LL * 3600 * 1000;

class NotingEraser final : public PersonEraser {
 public:
  Result<std::string> Erase(const PersonRequest& request) override {
    asked.push_back(request);
    if (fail_with) {
      return *fail_with;
    }
    return std::string("receipt of ") + request.id;
  }
  std::optional<Error> fail_with;
  std::vector<PersonRequest> asked;
};

class PersonRequestsTest : public testing::Test {
 protected:
  PersonRequestsTest() {
    InitCrypto();
    keys_.Add(1, RandomSecret(kKeyBytes));
    requests_ = Open();
  }
  Result<std::unique_ptr<PersonRequests>> TryOpen(FileSystem* fs) {
    PersonRequestsOptions options;
    options.fs = fs;
    options.dir = "/data/person_requests";
    options.keys = &keys_;
    options.eraser = &eraser_;
    options.clock = &clock_;
    options.run = false;
    return PersonRequests::Open(options);
  }
  std::unique_ptr<PersonRequests> Open() {
    Result<std::unique_ptr<PersonRequests>> opened = TryOpen(&fs_);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }
  static NewPersonRequest Asked(PersonRequestKind kind = PersonRequestKind::kDeletion) {
    return {kind,
            kProject,
            "ops",
            {SubjectId{{1}}, SubjectId{{2}}},
            ComplianceType::kCcpa,
            DisclosureType::kCategories};
  }
  PersonRequestStatus StatusOf(const PersonRequest& request) {
    return requests_->Find(kProject, request.asked.kind, request.id)->status;
  }
  void Pass(int64_t ms) { clock_.Set(clock_.NowMs() + ms); }

  FaultyFileSystem fs_;
  KeyRing keys_;
  ManualClock clock_{1'800'000'000'000};
  NotingEraser eraser_;
  std::unique_ptr<PersonRequests> requests_;
};

TEST_F(PersonRequestsTest, ADeletionIsBegunAfterAMomentAndEndsWithItsReceipt) {
  const PersonRequest request = *requests_->Add(Asked());
  EXPECT_EQ(request.id.size(), 32U);
  EXPECT_EQ(StatusOf(request), PersonRequestStatus::kPending);
  EXPECT_EQ(requests_->RunDue(), 0U);
  Pass(3000);
  EXPECT_EQ(StatusOf(request), PersonRequestStatus::kStaging);
  EXPECT_EQ(requests_->RunDue(), 1U);
  ASSERT_EQ(eraser_.asked.size(), 1U);
  EXPECT_EQ(eraser_.asked[0].status, PersonRequestStatus::kStarted);
  EXPECT_EQ(eraser_.asked[0].asked.subjects.size(), 2U);
  requests_ = Open();
  const std::optional<PersonRequest> found =
      requests_->Find(kProject, PersonRequestKind::kDeletion, request.id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->status, PersonRequestStatus::kSuccess);
  EXPECT_EQ(found->receipt, "receipt of " + request.id);
  EXPECT_EQ(found->finished_ms, clock_.NowMs());
  EXPECT_EQ(found->asked.compliance, ComplianceType::kCcpa);
  EXPECT_EQ(found->asked.requester, "ops");
  EXPECT_EQ(requests_->RunDue(), 0U);
}

TEST_F(PersonRequestsTest, OtherProjectsAndKindsDoNotSeeIt) {
  const PersonRequest request = *requests_->Add(Asked());
  EXPECT_FALSE(requests_->Find(ProjectId{2}, PersonRequestKind::kDeletion, request.id));
  EXPECT_FALSE(requests_->Find(kProject, PersonRequestKind::kRetrieval, request.id));
  EXPECT_EQ(requests_->Revoke(ProjectId{2}, PersonRequestKind::kDeletion, request.id).error().code,
            ErrorCode::kNotFound);
}

TEST_F(PersonRequestsTest, ItCanBeRevokedUntilItHasBegun) {
  const PersonRequest first = *requests_->Add(Asked());
  Pass(5000);
  ASSERT_TRUE(requests_->Revoke(kProject, PersonRequestKind::kDeletion, first.id));
  ASSERT_TRUE(requests_->Revoke(kProject, PersonRequestKind::kDeletion, first.id));
  EXPECT_EQ(requests_->RunDue(), 0U);
  requests_ = Open();
  EXPECT_EQ(StatusOf(first), PersonRequestStatus::kRevoked);
  EXPECT_EQ(eraser_.asked.size(), 0U);
  const PersonRequest second = *requests_->Add(Asked());
  Pass(5000);
  EXPECT_EQ(requests_->RunDue(), 1U);
  EXPECT_EQ(requests_->Revoke(kProject, PersonRequestKind::kDeletion, second.id).error().code,
            ErrorCode::kDenied);
}

TEST_F(PersonRequestsTest, WhatPassesIsTriedAgainAndWhatDoesNotIsAFailure) {
  const PersonRequest request = *requests_->Add(Asked());
  Pass(3000);
  eraser_.fail_with = Error{ErrorCode::kUnavailable, "the audit log cannot be written"};
  EXPECT_EQ(requests_->RunDue(), 0U);
  EXPECT_EQ(StatusOf(request), PersonRequestStatus::kStarted);
  EXPECT_EQ(requests_->RunDue(), 0U);
  EXPECT_EQ(eraser_.asked.size(), 1U);  // not at once again
  Pass(2000);
  EXPECT_EQ(requests_->RunDue(), 0U);
  EXPECT_EQ(eraser_.asked.size(), 2U);
  requests_ = Open();  // a crash: what had begun goes on
  eraser_.fail_with = std::nullopt;
  EXPECT_EQ(requests_->RunDue(), 1U);
  EXPECT_EQ(StatusOf(request), PersonRequestStatus::kSuccess);

  const PersonRequest other = *requests_->Add(Asked());
  Pass(3000);
  eraser_.fail_with = Error{ErrorCode::kNotFound, "no such project"};
  EXPECT_EQ(requests_->RunDue(), 1U);
  EXPECT_EQ(StatusOf(other), PersonRequestStatus::kFailure);
  EXPECT_EQ(requests_->Find(kProject, PersonRequestKind::kDeletion, other.id)->failure,
            "no such project");

  const PersonRequest endless = *requests_->Add(Asked());
  eraser_.fail_with = Error{ErrorCode::kUnavailable, "disk full"};
  for (int i = 0; i < 60; ++i) {
    Pass(300'000);
    requests_->RunDue();
  }
  EXPECT_EQ(StatusOf(endless), PersonRequestStatus::kFailure);
}

TEST_F(PersonRequestsTest, ARetrievalNeedsNoEraser) {
  const PersonRequest request = *requests_->Add(Asked(PersonRequestKind::kRetrieval));
  Pass(3000);
  EXPECT_EQ(requests_->RunDue(), 1U);
  EXPECT_EQ(StatusOf(request), PersonRequestStatus::kSuccess);
  EXPECT_EQ(eraser_.asked.size(), 0U);
}

TEST_F(PersonRequestsTest, TasksAreForgottenAfter90Days) {
  const PersonRequest request = *requests_->Add(Asked());
  Pass(3000);
  EXPECT_EQ(requests_->RunDue(), 1U);
  Pass(90 * kDayMs - 1);
  requests_->RunDue();
  EXPECT_TRUE(requests_->Find(kProject, PersonRequestKind::kDeletion, request.id));
  Pass(3600 * 1000);
  requests_->RunDue();
  EXPECT_FALSE(requests_->Find(kProject, PersonRequestKind::kDeletion, request.id));
  EXPECT_EQ(fs_.List("/data/person_requests")->size(), 0U);
}

TEST_F(PersonRequestsTest, LimitsHold) {
  NewPersonRequest asked = Asked();
  asked.subjects.clear();
  EXPECT_EQ(requests_->Add(asked).error().code, ErrorCode::kInvalid);
  asked.subjects.resize(2001);
  EXPECT_EQ(requests_->Add(asked).error().code, ErrorCode::kInvalid);
  asked.subjects.resize(2000);
  EXPECT_TRUE(requests_->Add(asked));
}

TEST_F(PersonRequestsTest, FilesAreEncryptedBoundToTheirNameAndFollowTheRing) {
  const PersonRequest request = *requests_->Add(Asked());
  const std::string path = "/data/person_requests/" + request.id;
  const std::string bytes = *fs_.ReadWhole(path);
  EXPECT_EQ(bytes.find("ops"), std::string::npos);
  requests_.reset();
  const std::string other_name(32, 'a');
  ASSERT_TRUE(fs_.WriteFileAtomically("/data/person_requests/" + other_name, bytes));
  EXPECT_EQ(TryOpen(&fs_).error().code, ErrorCode::kCorruption);
  ASSERT_TRUE(fs_.Remove("/data/person_requests/" + other_name));
  for (size_t at = 0; at < bytes.size(); at += 7) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    ASSERT_TRUE(fs_.WriteFileAtomically(path, damaged));
    EXPECT_EQ(TryOpen(&fs_).error().code, ErrorCode::kCorruption) << at;
  }
  ASSERT_TRUE(fs_.WriteFileAtomically(path, bytes));
  keys_.Add(2, RandomSecret(kKeyBytes));
  requests_ = Open();
  KeyRing newest;
  newest.Add(2, SecretBytes(keys_.newest().key.view()));
  keys_ = std::move(newest);
  requests_ = Open();  // written again under the new key, so the old one is not missed
  EXPECT_EQ(StatusOf(request), PersonRequestStatus::kPending);
}

// Whatever step of the disk fails or is the last one, a task that was answered is there afterwards,
// and one that had begun is not begun anew as revocable.
TEST_F(PersonRequestsTest, EveryCutLeavesTheOldStateOrTheNew) {
  for (uint64_t step = 0; step < 40; ++step) {
    FaultyFileSystem fs;
    std::string id;
    bool succeeded = false;
    {
      Result<std::unique_ptr<PersonRequests>> opened = TryOpen(&fs);
      ASSERT_TRUE(opened);
      fs.FailAt(step, Fault::kCrash);
      const Result<PersonRequest> added = (*opened)->Add(Asked());
      id = added ? added->id : "";
      Pass(3000);
      succeeded = (*opened)->RunDue() == 1;
    }
    const std::unique_ptr<FaultyFileSystem> after = fs.CloneAfterCrash(CrashKeeps::kSome, step);
    Result<std::unique_ptr<PersonRequests>> again = TryOpen(after.get());
    ASSERT_TRUE(again) << step << ": " << again.error().message;
    if (!id.empty()) {
      const auto found = (*again)->Find(kProject, PersonRequestKind::kDeletion, id);
      ASSERT_TRUE(found) << step;
      EXPECT_TRUE(!succeeded || found->status == PersonRequestStatus::kSuccess) << step;
      Pass(3000);
      (*again)->RunDue();
      EXPECT_EQ((*again)->Find(kProject, PersonRequestKind::kDeletion, id)->status,
                PersonRequestStatus::kSuccess);
    }
  }
}

TEST_F(PersonRequestsTest, ItsOwnThreadDoesTheWork) {
  PersonRequestsOptions options;
  options.fs = &fs_;
  options.dir = "/data/others";
  options.keys = &keys_;
  options.eraser = &eraser_;
  options.revoke_ms = 0;
  std::unique_ptr<PersonRequests> requests = std::move(PersonRequests::Open(options)).value();
  const PersonRequest request = *requests->Add(Asked());
  for (int i = 0; i < 500; ++i) {
    if (requests->Find(kProject, PersonRequestKind::kDeletion, request.id)->status ==
        PersonRequestStatus::kSuccess) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  FAIL() << "nothing was done in ten seconds";
}

}  // namespace
}  // namespace bulkhead
