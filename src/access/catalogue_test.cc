#include "access/catalogue.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "access/auth_throttle.h"
#include "access/timezone_name.h"

namespace bulkhead {
namespace {

class CatalogueTest : public testing::Test {
 protected:
  CatalogueTest() : clock_(1'000'000'000) {
    std::string pattern = testing::TempDir() + "bulkhead-access-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    path_ = dir_ + "/catalogue.db";
    catalogue_ = Open();
  }
  ~CatalogueTest() override { std::filesystem::remove_all(dir_); }
  std::unique_ptr<Catalogue> Open() { return std::move(Catalogue::Open(path_, clock_)).value(); }

  ManualClock clock_;
  std::string dir_;
  std::string path_;
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

TEST_F(CatalogueTest, NoFileHoldsASecret) {
  const ProjectId one = catalogue_->CreateProject("one", "UTC")->id;
  const NewServiceAccount account = catalogue_->CreateServiceAccount(one).value();
  ASSERT_TRUE(catalogue_->VerifyServiceAccount(account.username, account.secret));
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    std::stringstream bytes;
    bytes << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    EXPECT_EQ(bytes.str().find(account.secret), std::string::npos) << entry.path();
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

TEST(CatalogueOpenTest, RefusesWhatIsNotACatalogue) {
  const std::string path = testing::TempDir() + "bulkhead-not-a-catalogue.db";
  std::ofstream(path, std::ios::trunc) << std::string(5000, 'x');
  EXPECT_EQ(Catalogue::Open(path).error().code, ErrorCode::kCorruption);
  std::filesystem::remove(path);
  sqlite3* handle = nullptr;
  ASSERT_EQ(SQLITE_OK, sqlite3_open(path.c_str(), &handle));
  sqlite3_exec(handle, "PRAGMA user_version = 99", nullptr, nullptr, nullptr);
  sqlite3_close(handle);
  EXPECT_EQ(Catalogue::Open(path).error().code, ErrorCode::kCorruption);
  std::filesystem::remove(path);
  EXPECT_EQ(Catalogue::Open("/nonexistent/catalogue.db").error().code, ErrorCode::kUnavailable);
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
