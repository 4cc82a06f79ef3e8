#include "vault/vault_policy.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace bulkhead {
namespace {

constexpr size_t kMostPurposes = 100;
constexpr size_t kMaxPurposeBytes = 64;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool IsPurpose(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPurposeBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// A whole number up to `most`.
bool TakeNumber(std::string_view text, uint64_t least, uint64_t most, uint64_t* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size() && *out >= least && *out <= most;
}

class PolicyReader {
 public:
  // Empty: all is well.
  std::string TakeLine(std::string_view line) {
    line = Trim(line.substr(0, line.find('#')));
    if (line.empty()) {
      return "";
    }
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return "expected name = value";
    }
    return TakeSetting(Trim(line.substr(0, equals)), Trim(line.substr(equals + 1)));
  }
  Result<VaultPolicy> Finish() {
    if (!purposes_.empty()) {
      policy_.purposes = std::move(purposes_);
    }
    policy_.guesses.at_start = (policy_.guesses.burst + 1) / 2;
    return std::move(policy_);
  }

 private:
  std::string TakeSetting(std::string_view name, std::string_view value) {
    uint64_t number = 0;
    if (name == "purpose") {
      if (!IsPurpose(value) || purposes_.size() == kMostPurposes) {
        return "purpose: at most 100, each of 1 to 64 printable ASCII characters";
      }
      purposes_.emplace_back(value);
    } else if (name == "export_lock_hours") {
      if (!TakeNumber(value, 1, 24 * 365, &number)) {
        return "export_lock_hours: a whole number from 1 to 8760";
      }
      policy_.export_lock_ms = static_cast<int64_t>(number) * 3600 * 1000;
    } else if (name == "guesses_per_second") {
      if (!TakeNumber(value, 1, 10'000, &policy_.guesses.per_second)) {
        return "guesses_per_second: a whole number from 1 to 10000";
      }
    } else if (name == "guesses_at_once") {
      if (!TakeNumber(value, 1, 1'000'000, &policy_.guesses.burst)) {
        return "guesses_at_once: a whole number from 1 to 1000000";
      }
    } else {
      return "no such setting";
    }
    return "";
  }

  VaultPolicy policy_;
  std::vector<std::string> purposes_;
};

}  // namespace

Result<VaultPolicy> ParseVaultPolicy(std::string_view text) {
  PolicyReader reader;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string wrong = reader.TakeLine(text.substr(0, end));
    if (!wrong.empty()) {
      return Error{ErrorCode::kInvalid,
                   "vault.conf, line " + std::to_string(number) + ": " + wrong};
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.Finish();
}

}  // namespace bulkhead
