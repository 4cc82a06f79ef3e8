// The policies that were ever in force, kept under DIR/policy/versions: `<sha256>.toml` holds a
// canonical text, `index` one line "NUMBER SHA256" for each time that one came into force; the last
// line is the policy in force. Numbers count from 1 and are what events are stamped with; 0 is the
// defaults, without a file. docs/policy-schema.md.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "model/policy.h"

namespace bulkhead {

struct PolicyVersion {
  uint32_t number = 0;
  std::string hash;  // 64 hexadecimal digits
};

// Every version that came into force, oldest first; empty where there is no index yet.
Result<std::vector<PolicyVersion>> ReadPolicyIndex(FileSystem& fs, const std::string& versions_dir);

// The text of a version; kCorruption where its hash is another.
Result<std::string> ReadPolicyVersion(FileSystem& fs, const std::string& versions_dir,
                                      const std::string& hash);

struct PolicyInForce {
  PolicyVersion version;
  Policy policy;
};
// What came into force last; nothing: the defaults are in force. kCorruption where the text is
// damaged.
Result<std::optional<PolicyInForce>> ReadPolicyInForce(FileSystem& fs,
                                                       const std::string& versions_dir);

// The writer; one per directory. Thread-safe.
class PolicyVersions {
 public:
  PolicyVersions(FileSystem* fs, std::string versions_dir)
      : fs_(fs), dir_(std::move(versions_dir)) {}

  // Keeps the text, has `record` write the change down for good, and only then makes it the policy
  // in force. An error of any step leaves the one before in force. The canonical text must be that
  // of the hash.
  Result<uint32_t> Accept(std::string_view canonical_text, const std::string& hash,
                          const std::function<Result<void>(uint32_t number)>& record);

 private:
  FileSystem* fs_;
  std::string dir_;
  std::mutex mutex_;
};

}  // namespace bulkhead
