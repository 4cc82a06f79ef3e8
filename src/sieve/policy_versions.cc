#include "sieve/policy_versions.h"

#include "sieve/policy_parser.h"
#include "sieve/policy_text.h"

namespace bulkhead {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr size_t kHashDigits = 64;
constexpr size_t kMaxVersions = 1'000'000;

std::string IndexPath(const std::string& dir) { return dir + "/index"; }
std::string VersionPath(const std::string& dir, const std::string& hash) {
  return dir + "/" + hash + ".toml";
}

bool IsHash(std::string_view text) {
  return text.size() == kHashDigits && text.find_first_not_of(kHexDigits) == std::string_view::npos;
}

}  // namespace

Result<std::vector<PolicyVersion>> ReadPolicyIndex(FileSystem& fs,
                                                   const std::string& versions_dir) {
  std::vector<PolicyVersion> versions;
  if (!fs.Exists(IndexPath(versions_dir))) return versions;
  Result<std::string> bytes = fs.ReadWhole(IndexPath(versions_dir));
  if (!bytes) return bytes.error();
  std::string_view rest = *bytes;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    const size_t space = line.find(' ');
    const auto number = static_cast<uint32_t>(versions.size() + 1);
    if (end == std::string_view::npos || space == std::string_view::npos ||
        line.substr(0, space) != std::to_string(number) || !IsHash(line.substr(space + 1))) {
      return Error{ErrorCode::kCorruption, "policy/versions/index: line " + std::to_string(number) +
                                               " is not that of a version"};
    }
    versions.push_back({number, std::string(line.substr(space + 1))});
    rest.remove_prefix(end + 1);
  }
  return versions;
}

Result<std::string> ReadPolicyVersion(FileSystem& fs, const std::string& versions_dir,
                                      const std::string& hash) {
  if (!IsHash(hash)) return Error{ErrorCode::kInvalid, "a version id has 64 hexadecimal digits"};
  Result<std::string> text = fs.ReadWhole(VersionPath(versions_dir, hash));
  if (!text) return text.error();
  if (PolicyHash(*text) != hash) {
    return Error{ErrorCode::kCorruption, "policy/versions/" + hash + ".toml was changed"};
  }
  return text;
}

Result<std::optional<PolicyInForce>> ReadPolicyInForce(FileSystem& fs,
                                                       const std::string& versions_dir) {
  const Result<std::vector<PolicyVersion>> index = ReadPolicyIndex(fs, versions_dir);
  if (!index) return index.error();
  if (index->empty()) return std::optional<PolicyInForce>();
  const PolicyVersion& last = index->back();
  const Result<std::string> text = ReadPolicyVersion(fs, versions_dir, last.hash);
  if (!text) return text.error();
  Result<Policy> policy = ParsePolicy(*text, "policy/versions/" + last.hash + ".toml");
  if (!policy) return Error{ErrorCode::kCorruption, policy.error().message};
  return std::optional<PolicyInForce>({last, *std::move(policy)});
}

Result<uint32_t> PolicyVersions::Accept(
    std::string_view canonical_text, const std::string& hash,
    const std::function<Result<void>(uint32_t number)>& record) {
  const std::lock_guard lock(mutex_);
  if (PolicyHash(canonical_text) != hash || canonical_text.size() > kMaxPolicyBytes) {
    return Error{ErrorCode::kInvalid, "the policy's text is not that of its version id"};
  }
  if (Result<void> made = fs_->CreateDirs(dir_); !made) return made.error();
  const Result<std::vector<PolicyVersion>> versions = ReadPolicyIndex(*fs_, dir_);
  if (!versions) return versions.error();
  if (versions->size() >= kMaxVersions) {
    return Error{ErrorCode::kLimit, "policy/versions/index is full"};
  }
  const std::string path = VersionPath(dir_, hash);
  if (!fs_->Exists(path)) {
    if (Result<void> kept = fs_->WriteFileAtomically(path, canonical_text); !kept) {
      return kept.error();
    }
  }
  const auto number = static_cast<uint32_t>(versions->size() + 1);
  if (Result<void> recorded = record(number); !recorded) return recorded.error();
  std::string index;
  for (const PolicyVersion& version : *versions) {
    index.append(std::to_string(version.number)).append(1, ' ').append(version.hash).append("\n");
  }
  index.append(std::to_string(number)).append(1, ' ').append(hash).append("\n");
  if (Result<void> written = fs_->WriteFileAtomically(IndexPath(dir_), index); !written) {
    return written.error();
  }
  return number;
}

}  // namespace bulkhead
