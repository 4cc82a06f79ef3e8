// A batch as the bytes of one log record (docs/formats/batch.md). Property and event names are
// written once per batch. Decoding is safe on arbitrary bytes: it answers kCorruption, reads
// nothing outside them and nests at most kMaxBatchDepth deep. What EncodeBatch wrote, DecodeBatch
// reads: numbers that JSON cannot hold (infinities) and values nested deeper than the bound are
// written as null.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/event.h"

namespace bulkhead {

inline constexpr int kMaxBatchDepth = 8;  // lists and objects inside each other

// Appends to `out`.
void EncodeBatch(const Batch& batch, std::string* out);

Result<Batch> DecodeBatch(std::string_view bytes);

// What the vault needs of a batch, for the price of walking over the rest: nothing is built.
struct SealedPart {
  ProjectId project;
  std::string_view sealed;  // into the bytes given; empty where the batch has none
};
// The same as DecodeBatch says of the two, for whatever that accepts. It may accept more: the rest
// is passed over, not looked at.
Result<SealedPart> SealedPartOf(std::string_view bytes);

}  // namespace bulkhead
