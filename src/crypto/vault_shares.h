// The vault's keys behind shares: any two of three open them, one alone does not. There is no
// secret-sharing arithmetic in it: a random vault root is wrapped three times, once for each pair
// of random shares. docs/formats/keys.md draws it. Plain data; nothing here touches a disk.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

inline constexpr int kVaultShareCount = 3;
inline constexpr int kVaultSharesNeeded = 2;

using VaultSplitId = std::array<uint8_t, 8>;  // random; tells one split from an earlier one

struct VaultShare {
  int number = 0;  // 1 to 3
  VaultSplitId split{};
  SecretBytes secret;  // 32 bytes
};

// "bulkhead-share-<number>-<split id>-<secret>-<checksum>", all but the first in hexadecimal.
SecretBytes FormatVaultShare(const VaultShare& share);
// White space around it is fine. kInvalid: mistyped or cut, which the checksum tells, and which
// share it claims to be.
Result<VaultShare> ParseVaultShare(std::string_view text);

// What the key file keeps of a split: none of it is secret beyond the key file itself.
struct VaultSplit {
  static constexpr size_t kWrapBytes = kKeyBytes + kAeadOverheadBytes;
  VaultSplitId id{};
  std::array<std::array<uint8_t, 16>, kVaultShareCount>
      checks{};                                            // tell a wrong share from a right
  std::array<std::array<uint8_t, kWrapBytes>, 3> wraps{};  // pairs 1+2, 1+3, 2+3
};

struct NewVaultSplit {
  VaultSplit split;
  SecretBytes vault_root;
  std::array<VaultShare, kVaultShareCount> shares;
};
NewVaultSplit SplitVaultRoot();

// The vault root from any two different shares. kDenied names the share that is wrong (changed, of
// an earlier split, or given twice), or says how many are missing. Further shares are checked too.
Result<SecretBytes> JoinVaultShares(const VaultSplit& split, std::span<const VaultShare> shares);

}  // namespace bulkhead
