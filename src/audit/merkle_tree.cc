#include "audit/merkle_tree.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "crypto/crypto.h"

namespace bulkhead {
namespace {

// The largest power of two below `size`, which is at least 2.
uint64_t LeftLeaves(uint64_t size) { return std::bit_floor(size - 1); }

// The root of leaves [begin, begin + size), cut into whole subtrees.
Result<TreeHash> RangeRoot(uint64_t begin, uint64_t size, const SubtreeSource& subtrees) {
  if (std::has_single_bit(size)) {
    const auto level = static_cast<unsigned>(std::countr_zero(size));
    return subtrees(level, begin >> level);
  }
  const uint64_t left = LeftLeaves(size);
  const Result<TreeHash> left_root = RangeRoot(begin, left, subtrees);
  if (!left_root) {
    return left_root;
  }
  const Result<TreeHash> right_root = RangeRoot(begin + left, size - left, subtrees);
  return right_root ? Result<TreeHash>(NodeHash(*left_root, *right_root)) : right_root;
}

// One sibling's range, from the root down; the proof lists them from the leaf up.
struct Sibling {
  uint64_t begin;
  uint64_t size;
};

Result<std::vector<TreeHash>> RootsUpwards(const std::vector<Sibling>& siblings,
                                           const SubtreeSource& subtrees) {
  std::vector<TreeHash> proof;
  for (size_t i = siblings.size(); i-- > 0;) {
    const Result<TreeHash> root = RangeRoot(siblings[i].begin, siblings[i].size, subtrees);
    if (!root) {
      return root.error();
    }
    proof.push_back(*root);
  }
  return proof;
}

}  // namespace

TreeHash LeafHash(std::string_view entry) {
  constexpr size_t kOnStack = 1024;
  char small[kOnStack];
  if (entry.size() < kOnStack) {
    small[0] = '\x00';
    std::memcpy(small + 1, entry.data(), entry.size());
    return Sha256(std::string_view(small, entry.size() + 1));
  }
  std::string text(1, '\x00');
  text += entry;
  return Sha256(text);
}

TreeHash NodeHash(const TreeHash& left, const TreeHash& right) {
  char text[65];
  text[0] = '\x01';
  std::memcpy(text + 1, left.data(), left.size());
  std::memcpy(text + 33, right.data(), right.size());
  return Sha256(std::string_view(text, sizeof(text)));
}

TreeHash EmptyTreeRoot() { return Sha256(""); }

TreeHash RootOf(std::span<const TreeHash> hashes) {
  if (hashes.empty()) {
    return EmptyTreeRoot();
  }
  // Level by level; the last one of an odd number goes up as it is, which is RFC 6962's shape.
  std::vector<TreeHash> level(hashes.begin(), hashes.end());
  while (level.size() > 1) {
    size_t out = 0;
    for (size_t i = 0; i + 1 < level.size(); i += 2) {
      level[out++] = NodeHash(level[i], level[i + 1]);
    }
    if (level.size() % 2 == 1) {
      level[out++] = level.back();
    }
    level.resize(out);
  }
  return level.front();
}

Result<TreeHash> TreeRoot(uint64_t size, const SubtreeSource& subtrees) {
  return size == 0 ? Result<TreeHash>(EmptyTreeRoot()) : RangeRoot(0, size, subtrees);
}

Result<std::vector<TreeHash>> InclusionProof(uint64_t index, uint64_t size,
                                             const SubtreeSource& subtrees) {
  if (index >= size) {
    return Error{ErrorCode::kNotFound, "the log has no entry " + std::to_string(index)};
  }
  std::vector<Sibling> siblings;
  uint64_t begin = 0;
  while (size > 1) {
    const uint64_t left = LeftLeaves(size);
    if (index - begin < left) {
      siblings.push_back({begin + left, size - left});
      size = left;
    } else {
      siblings.push_back({begin, left});
      begin += left;
      size -= left;
    }
  }
  return RootsUpwards(siblings, subtrees);
}

Result<std::vector<TreeHash>> ConsistencyProof(uint64_t old_size, uint64_t size,
                                               const SubtreeSource& subtrees) {
  if (old_size > size) {
    return Error{ErrorCode::kInvalid, "the older tree is larger than the newer one"};
  }
  if (old_size == 0 || old_size == size) {
    return std::vector<TreeHash>{};
  }
  // RFC 6962, 2.1.2: SUBPROOF(m, D[n], b); `whole` is its b.
  std::vector<Sibling> siblings;
  uint64_t begin = 0, old = old_size;
  bool whole = true;
  while (old != size) {
    const uint64_t left = LeftLeaves(size);
    if (old <= left) {
      siblings.push_back({begin + left, size - left});
      size = left;
    } else {
      siblings.push_back({begin, left});
      begin += left;
      old -= left;
      size -= left;
      whole = false;
    }
  }
  if (!whole) {
    siblings.push_back({begin, size});
  }
  return RootsUpwards(siblings, subtrees);
}

// RFC 9162, 2.1.3.2.
bool VerifyInclusion(uint64_t index, uint64_t size, const TreeHash& leaf,
                     std::span<const TreeHash> proof, const TreeHash& root) {
  if (index >= size) {
    return false;
  }
  uint64_t at = index, last = size - 1;
  TreeHash hash = leaf;
  for (const TreeHash& sibling : proof) {
    if (last == 0) {
      return false;
    }
    if ((at & 1) == 1 || at == last) {
      hash = NodeHash(sibling, hash);
      while ((at & 1) == 0 && at != 0) {
        at >>= 1;
        last >>= 1;
      }
    } else {
      hash = NodeHash(hash, sibling);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && hash == root;
}

// RFC 9162, 2.1.4.2.
bool VerifyConsistency(const SizedRoot& older, const SizedRoot& newer,
                       std::span<const TreeHash> proof) {
  if (older.size > newer.size) {
    return false;
  }
  if (older.size == newer.size) {
    return proof.empty() && older.root == newer.root &&
           (older.size > 0 || older.root == EmptyTreeRoot());
  }
  if (older.size == 0) {
    return proof.empty() && older.root == EmptyTreeRoot();
  }
  std::vector<TreeHash> path(proof.begin(), proof.end());
  if (std::has_single_bit(older.size)) {
    path.insert(path.begin(), older.root);
  }
  if (path.empty()) {
    return false;
  }
  uint64_t at = older.size - 1, last = newer.size - 1;
  while ((at & 1) == 1) {
    at >>= 1;
    last >>= 1;
  }
  TreeHash old_root = path.front(), new_root = path.front();
  for (size_t i = 1; i < path.size(); ++i) {
    if (last == 0) {
      return false;
    }
    if ((at & 1) == 1 || at == last) {
      old_root = NodeHash(path[i], old_root);
      new_root = NodeHash(path[i], new_root);
      while ((at & 1) == 0 && at != 0) {
        at >>= 1;
        last >>= 1;
      }
    } else {
      new_root = NodeHash(new_root, path[i]);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && old_root == older.root && new_root == newer.root;
}

}  // namespace bulkhead
