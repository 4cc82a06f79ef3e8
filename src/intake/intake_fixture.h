// For intake's tests: a door with fixed keys, one project and a real log in a directory of its own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64.h"
#include "base/file_system.h"
#include "crypto/key_ring.h"
#include "crypto/keys.h"
#include "intake/failed_logins.h"
#include "intake/intake.h"
#include "log/log_follower.h"
#include "log/log_writer.h"
#include "model/batch_codec.h"
#include "model/sealed_fields.h"
#include "sieve/sieve.h"
#include "sieve/sieve_counters.h"

namespace bulkhead {

class TestProjects final : public ProjectLookup {
 public:
  [[nodiscard]] std::optional<ProjectId> FindByToken(std::string_view token) const override {
    if (token == "TOKENA") return ProjectId{1};
    if (token == "TOKENB") return ProjectId{2};
    return std::nullopt;
  }
  [[nodiscard]] Result<ProjectId> FindByServiceAccount(
      std::string_view username, std::string_view secret,
      std::optional<ProjectId> project) const override {
    if (username == "busy") return Error{ErrorCode::kLimit, "too many failures"};
    if (username != "sa" || secret != "pw") return Error{ErrorCode::kDenied, "refused"};
    return project.value_or(ProjectId{1});
  }
};

class IntakeTest : public ::testing::Test {
 protected:
  static constexpr int64_t kNow = 1795478400000;

  IntakeTest() {
    InitCrypto();
    const char* name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    dir_ = (std::filesystem::temp_directory_path() /
            ("bulkhead_intake_" + std::to_string(getpid()) + "_" + name))
               .string();
    std::filesystem::remove_all(dir_);
    keys_.pseudonym_key = SecretBytes(std::string(32, 'p'));
    keys_.insert_id_key = SecretBytes(std::string(32, 'i'));
    keys_.token_key = SecretBytes(std::string(32, 't'));
    vault_ = GenerateSealKeyPair();
    keys_.vault_public_key = vault_.public_key;
    token_hash_ = std::make_unique<KeyedHash>(keys_.token_key);
    sieve_ = Sieve::Create({"", "/usr/share/uap-core/regexes.yaml", token_hash_.get()}).value();
    OpenLog({});
  }
  ~IntakeTest() override {
    intake_.reset();
    log_.reset();
    std::filesystem::remove_all(dir_);
  }

  void OpenLog(const LogWriterOptions& options) {
    log_.reset();
    const std::vector<LogReaderKey> readers{log_keys_.newest().public_key};
    log_ = LogWriter::Open(RealFileSystem(), dir_, readers, options).value();
    IntakeOptions parts;
    parts.log = log_.get();
    parts.sieve = sieve_.get();
    parts.counters = &counters_;
    parts.keys = &keys_;
    parts.clock = &clock_;
    parts.projects = &projects_;
    parts.logins = &logins_;
    intake_ = Intake::Create(parts).value();
  }

  IngestResponse Send(const IngestRequest& request) {
    std::mutex mutex;
    std::condition_variable ready;
    std::optional<IngestResponse> answer;
    intake_->Accept(request, [&](IngestResponse response) {
      const std::scoped_lock lock(mutex);
      answer = std::move(response);
      ready.notify_one();
    });
    std::unique_lock lock(mutex);
    ready.wait(lock, [&] { return answer.has_value(); });
    return std::move(*answer);
  }
  IngestResponse Post(IngestRequest::Endpoint endpoint, std::string_view query,
                      std::string_view body, std::string_view authorization = "") {
    IngestRequest request;
    request.endpoint = endpoint;
    request.method = "POST";
    request.query = query;
    request.content_type =
        body.starts_with("data=") ? "application/x-www-form-urlencoded" : "application/json";
    request.body = body;
    request.authorization = authorization;
    request.client_ip = "203.0.113.77";
    request.user_agent = user_agent_;
    request.host = "in.example.org";
    return Send(request);
  }

  // What was acknowledged so far, opened with a reader's key.
  std::vector<std::string> LoggedPayloads() {
    std::vector<std::string> payloads;
    auto follower = LogFollower::Open(RealFileSystem(), dir_, log_keys_, 0).value();
    while (true) {
      auto record = follower.Next();
      EXPECT_TRUE(record) << record.error().message;
      if (!record || !record->has_value()) return payloads;
      payloads.push_back(std::move((*record)->payload));
    }
  }
  // Every batch of that.
  std::vector<Batch> Logged() {
    std::vector<Batch> batches;
    for (const std::string& payload : LoggedPayloads()) {
      batches.push_back(DecodeBatch(payload).value());
    }
    return batches;
  }
  // All bytes that a reader of the log sees, and all of its files as they lie there.
  std::string LogBytes() {
    std::string bytes;
    for (const std::string& payload : LoggedPayloads()) {
      bytes += payload;
    }
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      bytes += RealFileSystem().ReadWhole(entry.path().string()).value();
    }
    return bytes;
  }
  std::vector<SealedField> Opened(const Batch& batch) {
    const auto plain = Unseal(vault_.public_key, vault_.private_key, batch.sealed);
    EXPECT_TRUE(plain);
    return DecodeSealedFields(plain->view()).value();
  }

  std::string dir_;
  std::string user_agent_;
  ManualClock clock_{kNow};
  IntakeKeys keys_;
  SealKeyPair vault_;
  std::unique_ptr<KeyedHash> token_hash_;
  std::unique_ptr<Sieve> sieve_;
  SieveCounters counters_;
  TestProjects projects_;
  FailedLogins logins_{&clock_};
  SealKeyRing log_keys_{GenerateSealKeyPair()};
  std::unique_ptr<LogWriter> log_;
  std::unique_ptr<Intake> intake_;
};

}  // namespace bulkhead
