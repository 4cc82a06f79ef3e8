#include "audit/merkle_tree.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>

#include "audit/tiles.h"
#include "audit/tree_edge.h"
#include "base/hex.h"

namespace bulkhead {
namespace {

// The entries and roots that Certificate Transparency's implementations share as test data.
const std::vector<std::string>& SharedEntries() {
  static const std::vector<std::string> entries = [] {
    std::vector<std::string> bytes;
    for (const char* hex : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                            "606162636465666768696a6b6c6d6e6f"}) {
      bytes.push_back(*HexDecode(hex));
    }
    return bytes;
  }();
  return entries;
}

std::vector<TreeHash> Leaves(uint64_t size) {
  std::vector<TreeHash> leaves;
  for (uint64_t i = 0; i < size; ++i) {
    leaves.push_back(LeafHash(i < 8 ? SharedEntries()[i] : std::to_string(i)));
  }
  return leaves;
}

// RFC 6962's definition, word for word.
TreeHash NaiveRoot(std::span<const TreeHash> leaves) {
  if (leaves.size() <= 1) {
    return leaves.empty() ? EmptyTreeRoot() : leaves.front();
  }
  const size_t left = std::bit_floor(leaves.size() - 1);
  return NodeHash(NaiveRoot(leaves.first(left)), NaiveRoot(leaves.subspan(left)));
}

SubtreeSource SourceOf(const std::vector<TreeHash>& leaves) {
  return [&leaves](unsigned level, uint64_t index) -> Result<TreeHash> {
    return NaiveRoot(std::span(leaves).subspan(index << level, uint64_t{1} << level));
  };
}

TEST(MerkleTreeTest, SharedRoots) {
  const std::pair<uint64_t, std::string_view> roots[] = {
      {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
      {2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
      {3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
      {4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
      {8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"}};
  for (const auto& [size, hex] : roots) {
    EXPECT_EQ(HexEncode(RootOf(Leaves(size))), hex) << size;
  }
}

TEST(MerkleTreeTest, RootsAgreeHoweverTheyAreMade) {
  const std::vector<TreeHash> leaves = Leaves(600);
  TreeEdge edge;
  std::vector<TreeEdge::FullTile> full;
  for (uint64_t size = 0; size <= leaves.size(); ++size) {
    const TreeHash naive = NaiveRoot(std::span(leaves).first(size));
    ASSERT_EQ(RootOf(std::span(leaves).first(size)), naive) << size;
    ASSERT_EQ(edge.root(), naive) << size;
    ASSERT_EQ(*TreeRoot(size, SourceOf(leaves)), naive) << size;
    if (size < leaves.size()) {
      edge.Append(leaves[size], &full);
    }
  }
  ASSERT_EQ(full.size(), 2U);
  EXPECT_EQ(full[1].name, (TileName{0, 1, kTileWidth}));
}

TEST(MerkleTreeTest, EveryInclusionIsProvedAndNothingElse) {
  const std::vector<TreeHash> leaves = Leaves(33);
  for (uint64_t size = 1; size <= leaves.size(); ++size) {
    const TreeHash root = RootOf(std::span(leaves).first(size));
    for (uint64_t index = 0; index < size; ++index) {
      const std::vector<TreeHash> proof = *InclusionProof(index, size, SourceOf(leaves));
      ASSERT_TRUE(VerifyInclusion(index, size, leaves[index], proof, root)) << index << size;
      EXPECT_FALSE(VerifyInclusion(index + 1, size, leaves[index], proof, root));
      EXPECT_FALSE(VerifyInclusion(index, size, LeafHash("no"), proof, root));
      std::vector<TreeHash> longer = proof;
      longer.push_back(root);
      EXPECT_FALSE(VerifyInclusion(index, size, leaves[index], longer, root));
      if (!proof.empty()) {
        EXPECT_FALSE(VerifyInclusion(index, size, leaves[index],
                                     std::span(proof).first(proof.size() - 1), root));
      }
    }
  }
  EXPECT_FALSE(InclusionProof(33, 33, SourceOf(leaves)));
}

TEST(MerkleTreeTest, EveryConsistencyIsProvedAndNothingElse) {
  const std::vector<TreeHash> leaves = Leaves(33);
  std::vector<TreeHash> other = leaves;
  other[0] = LeafHash("another history");
  const auto sized = [](const std::vector<TreeHash>& all, uint64_t size) {
    return SizedRoot{size, RootOf(std::span(all).first(size))};
  };
  for (uint64_t size = 0; size <= leaves.size(); ++size) {
    for (uint64_t old = 0; old <= size; ++old) {
      const std::vector<TreeHash> proof = *ConsistencyProof(old, size, SourceOf(leaves));
      ASSERT_TRUE(VerifyConsistency(sized(leaves, old), sized(leaves, size), proof))
          << old << " " << size;
      if (old > 0) {
        EXPECT_FALSE(VerifyConsistency(sized(other, old), sized(leaves, size), proof));
        EXPECT_FALSE(VerifyConsistency(sized(leaves, old), sized(other, size), proof));
        EXPECT_FALSE(VerifyConsistency(sized(other, old), sized(leaves, size),
                                       *ConsistencyProof(old, size, SourceOf(other))));
      }
      for (size_t i = 0; i < proof.size(); ++i) {
        std::vector<TreeHash> changed = proof;
        changed[i][7] ^= 1;
        EXPECT_FALSE(VerifyConsistency(sized(leaves, old), sized(leaves, size), changed));
      }
      std::vector<TreeHash> longer = proof;
      longer.push_back(EmptyTreeRoot());
      EXPECT_FALSE(VerifyConsistency(sized(leaves, old), sized(leaves, size), longer));
    }
    EXPECT_FALSE(ConsistencyProof(size + 1, size, SourceOf(leaves)));
    EXPECT_FALSE(VerifyConsistency(sized(leaves, size), {size - 1, {}}, {}) && size > 0);
  }
}

}  // namespace
}  // namespace bulkhead
