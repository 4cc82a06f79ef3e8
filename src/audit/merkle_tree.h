// The hash tree of RFC 6962 (Certificate Transparency): hashes, roots, proofs and their checks.
// Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead {

using TreeHash = std::array<uint8_t, 32>;

TreeHash LeafHash(std::string_view entry);
TreeHash NodeHash(const TreeHash& left, const TreeHash& right);
TreeHash EmptyTreeRoot();

// The root over these hashes as leaves.
TreeHash RootOf(std::span<const TreeHash> hashes);

// A whole subtree's root: that of leaves [index << level, (index + 1) << level).
using SubtreeSource = std::function<Result<TreeHash>(unsigned level, uint64_t index)>;

// Of the tree of the first `size` leaves. The source is asked for whole subtrees inside it only.
Result<TreeHash> TreeRoot(uint64_t size, const SubtreeSource& subtrees);
Result<std::vector<TreeHash>> InclusionProof(uint64_t index, uint64_t size,
                                             const SubtreeSource& subtrees);
// Needs old_size <= size; empty where old_size is 0 or equal to size.
Result<std::vector<TreeHash>> ConsistencyProof(uint64_t old_size, uint64_t size,
                                               const SubtreeSource& subtrees);

bool VerifyInclusion(uint64_t index, uint64_t size, const TreeHash& leaf,
                     std::span<const TreeHash> proof, const TreeHash& root);

struct SizedRoot {
  uint64_t size = 0;
  TreeHash root{};
};
// Whether the older tree is the beginning of the newer one. From the empty tree everything follows,
// with an empty proof.
bool VerifyConsistency(const SizedRoot& older, const SizedRoot& newer,
                       std::span<const TreeHash> proof);

}  // namespace bulkhead
