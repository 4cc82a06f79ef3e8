#include "crypto/secret_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "base/hex.h"
#include "base/memory_search.h"
#include "crypto/key_file.h"
#include "crypto/keys.h"

namespace bulkhead {
namespace {

// A secret that is looked for, kept so that the search does not find itself.
class Needle {
 public:
  explicit Needle(std::string_view secret) {
    for (const char byte : secret) {
      masked_.push_back(static_cast<char>(byte ^ kMask));
    }
  }
  [[nodiscard]] size_t size() const { return masked_.size(); }
  // Offset in the bytes, at or after `from`.
  [[nodiscard]] std::optional<size_t> Find(std::string_view bytes, size_t from) const {
    const char first = static_cast<char>(masked_[0] ^ kMask);
    for (size_t at = bytes.find(first, from);
         at != std::string_view::npos && at + size() <= bytes.size();
         at = bytes.find(first, at + 1)) {
      if (std::equal(
              masked_.begin(), masked_.end(), bytes.begin() + static_cast<ptrdiff_t>(at),
              [](char masked, char byte) { return masked == static_cast<char>(byte ^ kMask); })) {
        return at;
      }
    }
    return std::nullopt;
  }

 private:
  static constexpr char kMask = 0x5A;
  std::string masked_;
};

struct Mapping {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string line;
  std::string flags;  // of smaps: " lo " locked, " dd " not dumped, " wf " wiped on fork
};

std::vector<Mapping> Mappings() {
  std::ifstream smaps("/proc/self/smaps");
  std::vector<Mapping> found;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long begin = 0, end = 0;
    char mode[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode) == 3) {
      found.push_back({begin, end, line, ""});
    } else if (line.starts_with("VmFlags:") && !found.empty()) {
      found.back().flags = line + " ";
    }
  }
  return found;
}

// Where in this process's memory the needles lie.
std::vector<Mapping> Search(const std::vector<Needle>& needles) {
  constexpr size_t kWindow = 1UL << 20;
  static std::string buffer(kWindow, '\0');
  const auto buffer_at = reinterpret_cast<uint64_t>(buffer.data());
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  EXPECT_GE(memory, 0);
  std::vector<Mapping> hits;
  for (const Mapping& mapping : Mappings()) {
    for (uint64_t at = mapping.begin; at < mapping.end; at += kWindow - 128) {
      const size_t size = std::min<uint64_t>(kWindow, mapping.end - at);
      const ssize_t got = ::pread(memory, buffer.data(), size, static_cast<off_t>(at));
      if (got <= 0) {
        continue;  // no rights to read: a guard page
      }
      const std::string_view bytes(buffer.data(), static_cast<size_t>(got));
      for (const Needle& needle : needles) {
        for (std::optional<size_t> hit = needle.Find(bytes, 0); hit;
             hit = needle.Find(bytes, *hit + 1)) {
          const uint64_t where = at + *hit;
          if (where + needle.size() <= buffer_at || where >= buffer_at + kWindow) {
            hits.push_back(mapping);
          }
        }
      }
    }
  }
  std::fill(buffer.begin(), buffer.end(), '\0');
  ::close(memory);
  return hits;
}

std::vector<Needle> NeedlesOf(const SecretBytes& secret) {
  std::vector<Needle> needles;
  needles.emplace_back(secret.view());
  std::string hex = HexEncode(secret.bytes());
  needles.emplace_back(hex);
  Wipe(&hex);
  for (const uint8_t pad :
       {uint8_t{0x36}, uint8_t{0x5C}}) {  // as the keyed hash has it in its blocks
    SecretBytes padded(secret.view());
    for (size_t i = 0; i < padded.size(); ++i) {
      padded.data()[i] = static_cast<uint8_t>(padded.data()[i] ^ pad);
    }
    needles.emplace_back(padded.view());
  }
  return needles;
}

void AddNeedles(const SecretBytes& secret, std::vector<Needle>* needles) {
  for (Needle& needle : NeedlesOf(secret)) {
    needles->push_back(std::move(needle));
  }
}

TEST(SecretMemoryScan, KeysLieInLockedPagesOnlyAndAreGoneWhenDropped) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer keeps memory of its own";
  std::string pattern = testing::TempDir() + "bulkhead-scan-XXXXXX";
  const std::string base = ::mkdtemp(pattern.data());
  const std::string dir = base + "/keys";
  FileSystem& fs = RealFileSystem();
  ASSERT_TRUE(CreateKeys(fs, dir));
  std::vector<Needle> needles;
  {
    const SecretBytes root = LoadRootKey(fs, dir + "/root.key").value();
    AddNeedles(root, &needles);
    const IntakeKeys intake = LoadIntakeKeys(fs, dir).value();
    const CoreKeys core = LoadCoreKeys(fs, dir).value();
    const VaultKeys vault = LoadVaultKeys(fs, dir).value();
    const AuditKeys audit = LoadAuditKeys(fs, dir).value();
    const KeyedHash pseudonyms(intake.pseudonym_key);
    uint8_t digest[16];
    pseudonyms.Digest128("somebody", digest);
    const std::string box = AeadEncrypt(core.store_keys.newest().key, "plain", "context");
    ASSERT_TRUE(AeadDecrypt(core.store_keys.newest().key, box, "context"));
    ASSERT_TRUE(vault.seal_keys.Unseal(Seal(intake.vault_public_key, "plain")));
    for (const SecretBytes* key :
         {&intake.pseudonym_key, &intake.insert_id_key, &intake.token_key, &core.session_key,
          &core.store_keys.newest().key, &vault.seal_keys.newest().private_key,
          &vault.subject_wrap_keys.newest().key, &audit.signing_seed}) {
      AddNeedles(*key, &needles);
    }
    const std::vector<Mapping> hits = Search(needles);
    EXPECT_GE(hits.size(), 9U);  // or the search does not search
    for (const Mapping& hit : hits) {
      EXPECT_NE(hit.flags.find(" lo "), std::string::npos) << hit.line << "\n" << hit.flags;
      EXPECT_NE(hit.flags.find(" dd "), std::string::npos) << hit.line << "\n" << hit.flags;
      EXPECT_NE(hit.flags.find(" wf "), std::string::npos) << hit.line << "\n" << hit.flags;
    }
  }
  for (const Mapping& hit : Search(needles)) {
    ADD_FAILURE() << "left behind: " << hit.line;
  }
  std::filesystem::remove_all(base);
}

// The canary: without it the search above could be looking at nothing.
TEST(SecretMemoryScan, FindsACopyInOrdinaryMemory) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer keeps memory of its own";
  const SecretBytes secret = RandomSecret(kKeyBytes);
  std::vector<Needle> needles;
  AddNeedles(secret, &needles);
  std::string copy(secret.view());
  const auto unlocked = [](const Mapping& hit) {
    return hit.flags.find(" lo ") == std::string::npos;
  };
  std::vector<Mapping> hits = Search(needles);
  EXPECT_TRUE(std::any_of(hits.begin(), hits.end(), unlocked));
  Wipe(&copy);
  hits = Search(needles);
  EXPECT_EQ(std::count_if(hits.begin(), hits.end(), unlocked), 0);
}

TEST(SecretMemory, IsEmptyInAForkedChild) {
  const SecretBytes small(std::string(32, 'x'));
  const SecretBytes large(std::string(10000, 'x'));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto zero = [](uint8_t byte) { return byte == 0; };
    const bool empty = std::all_of(small.data(), small.data() + small.size(), zero) &&
                       std::all_of(large.data(), large.data() + large.size(), zero);
    ::_exit(empty ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(large.view()[9999], 'x');
}

TEST(SecretMemory, PagesAreCountedAndGivenBack) {
  const SecretMemoryState before = ReadSecretMemoryState();
  {
    const SecretBytes large(100'000);
    EXPECT_EQ(ReadSecretMemoryState().mapped_bytes, before.mapped_bytes + 102'400);
  }
  EXPECT_EQ(ReadSecretMemoryState().mapped_bytes, before.mapped_bytes);
}

TEST(SecretMemory, WritingPastTheEndOfALargeOneStops) {
  SecretBytes large(4096);
  EXPECT_DEATH(large.data()[4096] = 1, "");
}

// In a child, since limits cannot be raised again.
TEST(SecretMemory, MemoryThatCannotBeLockedIsOwnedUpTo) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer makes mlock do nothing";
  const pid_t child = ::fork();
  if (child == 0) {
    // Root may lock whatever the limit says.
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (::geteuid() == 0 && ::setuid(65534) != 0)) {
      ::_exit(2);
    }
    const SecretBytes large(std::string(10'000, 'x'));
    const SecretMemoryState state = ReadSecretMemoryState();
    const SecretMemoryReport report = ReportSecretMemory(state);
    const bool said = state.lock_failures > 0 && state.unlocked_bytes >= 10'000 && !report.good &&
                      report.text.find("may reach swap") != std::string::npos;
    ::_exit(said && large.view()[9'999] == 'x' ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace bulkhead
