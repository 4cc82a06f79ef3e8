#include "access/catalogue.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "access/auth_throttle.h"
#include "access/timezone_name.h"
#include "base/file_system.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

class CatalogueTest : public testing::Test {
 protected:
  CatalogueTest() : clock_(1'000'000'000) {
    std::string pattern = testing::TempDir() + "bulkhead-access-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    path_ = dir_ + "/catalogue";
    keys_.Add(1, RandomSecret(kKeyBytes));
    catalogue_ = Open();
  }
  ~CatalogueTest() override { std::filesystem::remove_all(dir_); }
  std::unique_ptr<Catalogue> Open(CatalogueMode mode = CatalogueMode::kCreate) {
    return Catalogue::Open(RealFileSystem(), path_, keys_, mode, clock_).value();
  }

  ManualClock clock_;
  std::string dir_;
  std::string path_;
  KeyRing keys_;
  std::unique_ptr<Catalogue> catalogue_;
};

TEST_F(CatalogueTest, ProjectsAreFoundByTokenAndSurviveARestart) {
  const Result<Project> first = catalogue_->CreateProject("API platform", "Europe/Berlin");
  const Result<Project> second = catalogue_->CreateProject("Docs", "UTC");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->id, ProjectId{1});
  EXPECT_EQ(second->id, ProjectId{2});
  EXPECT_EQ(first->token.size(), 32U);
  catalogue_ = Open();
  EXPECT_EQ(catalogue_->FindProjectByToken(second->token)->name, "Docs");
  EXPECT_EQ(catalogue_->GetProject(ProjectId{1})->timezone, "Europe/Berlin");
  EXPECT_EQ(catalogue_->ListProjects().size(), 2U);
  EXPECT_FALSE(catalogue_->FindProjectByToken(""));
  EXPECT_FALSE(catalogue_->FindProjectByToken(first->token.substr(1)));
  EXPECT_FALSE(catalogue_->GetProject(ProjectId{3}));
}

TEST_F(CatalogueTest, RefusesWrongProjects) {
  EXPECT_EQ(catalogue_->CreateProject("", "UTC").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(catalogue_->CreateProject(std::string(256, 'x'), "UTC").error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(catalogue_->CreateProject("x", "Europe/Nowhere").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(catalogue_->CreateServiceAccount(ProjectId{9}).error().code, ErrorCode::kNotFound);
}

TEST_F(CatalogueTest, VerifiesServiceAccounts) {
  const ProjectId one = catalogue_->CreateProject("one", "UTC")->id;
  const ProjectId two = catalogue_->CreateProject("two", "UTC")->id;
  const Result<NewServiceAccount> account = catalogue_->CreateServiceAccount(one);
  ASSERT_TRUE(account);
  EXPECT_TRUE(account->username.starts_with("bulkhead."));
  EXPECT_TRUE(account->username.ends_with(".mp-service-account"));
  EXPECT_GE(account->secret.size(), 32U);
  for (int round = 0; round < 2; ++round) {  // by Argon2id, then from memory
    EXPECT_EQ(*catalogue_->VerifyServiceAccount(account->username, account->secret), one);
    EXPECT_EQ(*catalogue_->VerifyServiceAccount(account->username, account->secret, one), one);
    EXPECT_EQ(
        catalogue_->VerifyServiceAccount(account->username, account->secret, two).error().code,
        ErrorCode::kDenied);
    EXPECT_EQ(catalogue_->VerifyServiceAccount(account->username, "wrong").error().code,
              ErrorCode::kDenied);
    EXPECT_EQ(catalogue_->VerifyServiceAccount(account->username, "").error().code,
              ErrorCode::kDenied);
  }
  EXPECT_EQ(catalogue_->VerifyServiceAccount("nobody", account->secret).error().code,
            ErrorCode::kDenied);
  EXPECT_EQ(
      catalogue_->VerifyServiceAccount(account->username, std::string(100'000, 'x')).error().code,
      ErrorCode::kDenied);
}

TEST_F(CatalogueTest, AVerifiedSecretCostsMicroseconds) {
  const ProjectId one = catalogue_->CreateProject("one", "UTC")->id;
  const NewServiceAccount account = catalogue_->CreateServiceAccount(one).value();
  ASSERT_TRUE(catalogue_->VerifyServiceAccount(account.username, account.secret));
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(catalogue_->VerifyServiceAccount(account.username, account.secret));
  }
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  printf("verified secret: %.2f us\n", spent.count() / 1000);
  EXPECT_LT(spent.count() / 1000, 1000);  // one Argon2id hash is tens of thousands
}

TEST_F(CatalogueTest, GuessingIsSlowedAndAVerifiedSecretStillServed) {
  const ProjectId one = catalogue_->CreateProject("one", "UTC")->id;
  const NewServiceAccount account = catalogue_->CreateServiceAccount(one).value();
  const NewServiceAccount fresh = catalogue_->CreateServiceAccount(one).value();
  ASSERT_TRUE(catalogue_->VerifyServiceAccount(account.username, account.secret));
  for (int i = 0; i < AuthThrottle::kBurst; ++i) {
    EXPECT_EQ(catalogue_->VerifyServiceAccount(account.username, "guess").error().code,
              ErrorCode::kDenied);
  }
  EXPECT_EQ(catalogue_->VerifyServiceAccount(account.username, "guess").error().code,
            ErrorCode::kLimit);
  EXPECT_TRUE(catalogue_->VerifyServiceAccount(account.username, account.secret));
  EXPECT_TRUE(catalogue_->VerifyServiceAccount(fresh.username, fresh.secret));
  clock_.Set(clock_.NowMs() + AuthThrottle::kRefillMs);
  EXPECT_EQ(catalogue_->VerifyServiceAccount(account.username, "guess").error().code,
            ErrorCode::kDenied);
  EXPECT_EQ(catalogue_->VerifyServiceAccount(account.username, "guess").error().code,
            ErrorCode::kLimit);
}

TEST_F(CatalogueTest, ARemovedAccountIsRefusedAtOnce) {
  const ProjectId one = catalogue_->CreateProject("one", "UTC")->id;
  const NewServiceAccount account = catalogue_->CreateServiceAccount(one).value();
  ASSERT_TRUE(catalogue_->VerifyServiceAccount(account.username, account.secret));
  ASSERT_TRUE(catalogue_->RemoveServiceAccount(account.username));
  EXPECT_FALSE(catalogue_->VerifyServiceAccount(account.username, account.secret));
  EXPECT_EQ(catalogue_->RemoveServiceAccount(account.username).error().code, ErrorCode::kNotFound);
}

TEST_F(CatalogueTest, SeesAnotherProcessesChangeWithinASecond) {
  const std::unique_ptr<Catalogue> other = Open();
  const Project project = other->CreateProject("one", "UTC").value();
  const NewServiceAccount account = other->CreateServiceAccount(project.id).value();
  clock_.Set(clock_.NowMs() + 1000);
  EXPECT_TRUE(catalogue_->FindProjectByToken(project.token));
  EXPECT_TRUE(catalogue_->VerifyServiceAccount(account.username, account.secret));
  ASSERT_TRUE(other->RemoveServiceAccount(account.username));
  clock_.Set(clock_.NowMs() + 1000);
  EXPECT_FALSE(catalogue_->VerifyServiceAccount(account.username, account.secret));
}

TEST_F(CatalogueTest, NoFileHoldsAnythingReadable) {
  const Project project = catalogue_->CreateProject("needle project", "Europe/Berlin").value();
  const ProjectId one = project.id;
  const NewServiceAccount account = catalogue_->CreateServiceAccount(one).value();
  ASSERT_TRUE(catalogue_->VerifyServiceAccount(account.username, account.secret));
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    std::stringstream bytes;
    bytes << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    for (const std::string& needle :
         {account.secret, account.username, project.token, std::string("needle"),
          std::string("Europe"), std::string("argon2"), std::string("SQLite")}) {
      EXPECT_EQ(bytes.str().find(needle), std::string::npos) << entry.path();
    }
    struct stat info {};
    ASSERT_EQ(0, ::stat(entry.path().c_str(), &info));
    EXPECT_EQ(info.st_mode & 077U, 0U) << entry.path();
  }
}

TEST_F(CatalogueTest, ManyThreadsVerify) {
  const ProjectId one = catalogue_->CreateProject("one", "UTC")->id;
  const NewServiceAccount account = catalogue_->CreateServiceAccount(one).value();
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        refused += catalogue_->VerifyServiceAccount(account.username, account.secret) ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(refused, 0);
}

TEST_F(CatalogueTest, AReaderNeedsNoRightToWriteAndHasNone) {
  const Project project = catalogue_->CreateProject("one", "UTC").value();
  const NewServiceAccount account = catalogue_->CreateServiceAccount(project.id).value();
  // As another user, who can read the file and pass through the directory.
  constexpr uid_t kNobody = 65534;
  const bool root = ::geteuid() == 0;
  ASSERT_EQ(::chmod(dir_.c_str(), 0555), 0);
  ASSERT_EQ(::chmod(path_.c_str(), 0444), 0);
  ASSERT_EQ(root ? ::seteuid(kNobody) : 0, 0);
  const auto reader = Open(CatalogueMode::kReadOnly);
  const auto may_not_write =
      Catalogue::Open(RealFileSystem(), path_, keys_, CatalogueMode::kReadWrite, clock_);
  ASSERT_EQ(root ? ::seteuid(0) : 0, 0);
  ASSERT_EQ(::chmod(dir_.c_str(), 0700), 0);
  EXPECT_EQ(may_not_write.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(reader->VerifyServiceAccount(account.username, account.secret));
  EXPECT_EQ(reader->CreateProject("two", "UTC").error().code, ErrorCode::kDenied);
  EXPECT_EQ(reader->CreateServiceAccount(project.id).error().code, ErrorCode::kDenied);
  EXPECT_EQ(reader->RemoveServiceAccount(account.username).error().code, ErrorCode::kDenied);
  ASSERT_TRUE(catalogue_->RemoveServiceAccount(account.username));
  clock_.Set(clock_.NowMs() + 1000);
  EXPECT_FALSE(reader->VerifyServiceAccount(account.username, account.secret));
}

TEST_F(CatalogueTest, WhatCannotBeReadIsToldAndTheOldGoesOnServing) {
  const Project project = catalogue_->CreateProject("one", "UTC").value();
  const std::string good = RealFileSystem().ReadWhole(path_).value();
  ASSERT_TRUE(RealFileSystem().WriteFileAtomically(path_, "rubbish"));
  clock_.Set(clock_.NowMs() + 1000);
  EXPECT_TRUE(catalogue_->FindProjectByToken(project.token));
  EXPECT_EQ(catalogue_->trouble(), "not a catalogue");
  EXPECT_EQ(catalogue_->CreateProject("two", "UTC").error().code, ErrorCode::kCorruption);
  EXPECT_EQ(RealFileSystem().ReadWhole(path_).value(), "rubbish");
  ASSERT_TRUE(RealFileSystem().WriteFileAtomically(path_, good));
  clock_.Set(clock_.NowMs() + 1000);
  EXPECT_EQ(catalogue_->trouble(), "");
  EXPECT_TRUE(catalogue_->CreateProject("two", "UTC"));
}

TEST_F(CatalogueTest, ManyWritersLoseNoChange) {
  std::vector<std::unique_ptr<Catalogue>> writers;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    writers.push_back(Open(CatalogueMode::kReadWrite));
    threads.emplace_back([writer = writers.back().get()] {
      for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(writer->CreateProject("project", "UTC"));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  clock_.Set(clock_.NowMs() + 1000);
  EXPECT_EQ(catalogue_->ListProjects().size(), 40U);
  EXPECT_EQ(catalogue_->ListProjects().back().id, ProjectId{40});
}

TEST(TimezoneNameTest, KnowsIanaNames) {
  for (const char* name : {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"}) {
    EXPECT_TRUE(IsTimezoneName(name)) << name;
  }
  for (const char* name :
       {"", "utc/", "/etc/passwd", "../../../etc/passwd", "Europe", "Mars/Base"}) {
    EXPECT_FALSE(IsTimezoneName(name)) << name;
  }
}

TEST(AuthThrottleTest, AClockThatGoesBackDoesNotLockForEver) {
  AuthThrottle throttle(RandomSecret(32));
  for (int i = 0; i < AuthThrottle::kBurst; ++i) {
    throttle.NoteFailure("a", 1'000'000'000);
  }
  EXPECT_FALSE(throttle.MayTry("a", 1'000'000'000));
  EXPECT_FALSE(throttle.MayTry("a", 0));
  EXPECT_TRUE(throttle.MayTry("a", AuthThrottle::kRefillMs));
}

}  // namespace
}  // namespace bulkhead
