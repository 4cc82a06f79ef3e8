#include "crypto/vault_shares.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/hex.h"

namespace bulkhead {
namespace {

constexpr std::string_view kPrefix = "bulkhead-share-";
constexpr size_t kChecksumBytes = 4;
constexpr std::array<std::pair<int, int>, 3> kPairs{{{1, 2}, {1, 3}, {2, 3}}};

std::string HexChecksum(std::string_view text) {
  const std::array<uint8_t, 32> digest = Sha256(text);
  return HexEncode({digest.data(), kChecksumBytes});
}

std::array<uint8_t, 16> CheckOf(const VaultSplitId& split, int number, const SecretBytes& secret) {
  const SecretBytes key = DeriveKey(
      secret, "bulkhead v2 vault share check " + HexEncode(split) + " " + std::to_string(number));
  std::array<uint8_t, 16> check{};
  std::copy_n(key.data(), check.size(), check.begin());
  return check;
}

std::string PairLabel(const VaultSplitId& split, std::pair<int, int> pair) {
  return "bulkhead v2 vault shares " + HexEncode(split) + " " + std::to_string(pair.first) + "+" +
         std::to_string(pair.second);
}

SecretBytes PairKey(const std::string& label, const SecretBytes& first, const SecretBytes& second) {
  SecretBytes both(2 * kKeyBytes);
  std::memcpy(both.data(), first.data(), kKeyBytes);
  std::memcpy(both.data() + kKeyBytes, second.data(), kKeyBytes);
  return DeriveKey(both, label);
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos
             ? std::string_view()
             : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool FromHex(std::string_view text, std::span<uint8_t> out) {
  size_t size = 0;
  return text.size() == 2 * out.size() &&
         std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'F'; }) &&
         sodium_hex2bin(out.data(), out.size(), text.data(), text.size(), nullptr, &size,
                        nullptr) == 0 &&
         size == out.size();
}

Error Named(int number, const std::string& what) {
  return Error{ErrorCode::kDenied, "vault share " + std::to_string(number) + " " + what};
}

}  // namespace

SecretBytes FormatVaultShare(const VaultShare& share) {
  constexpr size_t kSecretHex = 2 * kKeyBytes;
  const std::string head =
      std::string(kPrefix) + std::to_string(share.number) + "-" + HexEncode(share.split) + "-";
  SecretBytes text(head.size() + kSecretHex + 1 + 2 * kChecksumBytes);
  SecretBytes hex(kSecretHex + 1);  // sodium's ends with a zero
  sodium_bin2hex(reinterpret_cast<char*>(hex.data()), hex.size(), share.secret.data(), kKeyBytes);
  std::memcpy(text.data(), head.data(), head.size());
  std::memcpy(text.data() + head.size(), hex.data(), kSecretHex);
  const std::string checksum = "-" + HexChecksum(text.view().substr(0, head.size() + kSecretHex));
  std::memcpy(text.data() + head.size() + kSecretHex, checksum.data(), checksum.size());
  return text;
}

Result<VaultShare> ParseVaultShare(std::string_view text) {
  text = Trim(text);
  constexpr size_t kHead = kPrefix.size() + 2;
  constexpr size_t kSplitEnd = kHead + 2 * sizeof(VaultSplitId);
  constexpr size_t kSecretEnd = kSplitEnd + 1 + 2 * kKeyBytes;
  if (!text.starts_with(kPrefix) || text.size() < kHead || text[kHead - 2] < '1' ||
      text[kHead - 2] > '0' + kVaultShareCount || text[kHead - 1] != '-') {
    return Error{ErrorCode::kInvalid, "not a vault share: it begins with bulkhead-share-1- to -3-"};
  }
  VaultShare share;
  share.number = text[kHead - 2] - '0';
  const std::string name = "vault share " + std::to_string(share.number);
  if (text.size() != kSecretEnd + 1 + 2 * kChecksumBytes) {
    return Error{ErrorCode::kInvalid, name + " is cut, or has something added"};
  }
  share.secret = SecretBytes(kKeyBytes);
  if (text[kSplitEnd] != '-' || text[kSecretEnd] != '-' ||
      !FromHex(text.substr(kHead, 2 * sizeof(VaultSplitId)), share.split) ||
      !FromHex(text.substr(kSplitEnd + 1, 2 * kKeyBytes), {share.secret.data(), kKeyBytes}) ||
      text.substr(kSecretEnd + 1) != HexChecksum(text.substr(0, kSecretEnd))) {
    return Error{ErrorCode::kInvalid, name + " is mistyped: its checksum does not agree"};
  }
  return share;
}

namespace {

// Shares count from one.
size_t Place(int number) { return static_cast<size_t>(number - 1); }

}  // namespace

NewVaultSplit SplitVaultRoot() {
  NewVaultSplit made;
  made.vault_root = RandomSecret(kKeyBytes);
  RandomBytes(made.split.id);
  for (size_t i = 0; i < made.shares.size(); ++i) {
    VaultShare& share = made.shares[i];
    share.number = static_cast<int>(i) + 1;
    share.split = made.split.id;
    share.secret = RandomSecret(kKeyBytes);
    made.split.checks[i] = CheckOf(made.split.id, share.number, share.secret);
  }
  for (size_t i = 0; i < kPairs.size(); ++i) {
    const std::string label = PairLabel(made.split.id, kPairs[i]);
    const SecretBytes key = PairKey(label, made.shares[Place(kPairs[i].first)].secret,
                                    made.shares[Place(kPairs[i].second)].secret);
    const std::string box = AeadEncrypt(key, made.vault_root.view(), label);
    std::copy(box.begin(), box.end(), made.split.wraps[i].begin());
  }
  return made;
}

Result<SecretBytes> JoinVaultShares(const VaultSplit& split, std::span<const VaultShare> shares) {
  std::array<const SecretBytes*, kVaultShareCount> given{};
  int count = 0;
  for (const VaultShare& share : shares) {
    Check(share.number >= 1 && share.number <= kVaultShareCount, "a share has a number");
    if (share.split != split.id) {
      return Named(share.number,
                   "is of another split: newer shares have replaced it, or it "
                   "belongs to another data directory");
    }
    if (CheckOf(split.id, share.number, share.secret) != split.checks[Place(share.number)]) {
      return Named(share.number, "is not the one that was made");
    }
    if (std::exchange(given[Place(share.number)], &share.secret) != nullptr) {
      return Named(share.number, "was given twice: two different ones are needed");
    }
    ++count;
  }
  if (count < kVaultSharesNeeded) {
    return Error{ErrorCode::kDenied,
                 "the vault's keys need two of three shares; " + std::to_string(count) + " given"};
  }
  for (size_t i = 0; i < kPairs.size(); ++i) {
    const SecretBytes* first = given[Place(kPairs[i].first)];
    const SecretBytes* second = given[Place(kPairs[i].second)];
    if (first == nullptr || second == nullptr) {
      continue;
    }
    const std::string label = PairLabel(split.id, kPairs[i]);
    const std::string_view box(reinterpret_cast<const char*>(split.wraps[i].data()),
                               split.wraps[i].size());
    Result<SecretBytes> root = AeadDecrypt(PairKey(label, *first, *second), box, label);
    return root && root->size() == kKeyBytes
               ? std::move(root)
               : Result<SecretBytes>(
                     Error{ErrorCode::kCorruption, "the wrap of the vault's root is damaged"});
  }
  return Error{ErrorCode::kBug, "two shares are one of the pairs"};
}

}  // namespace bulkhead
