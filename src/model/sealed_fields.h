// The list of values that only the vault may keep, as the plain text of `Batch::sealed`
// (docs/formats/batch.md). Whoever holds these bytes holds personal data: intake seals them at
// once, the vault alone opens them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/event.h"

namespace bulkhead {

std::string EncodeSealedFields(std::span<const SealedField> fields);

// kCorruption on any bytes that EncodeSealedFields did not write; the message holds no data.
Result<std::vector<SealedField>> DecodeSealedFields(std::string_view bytes);

}  // namespace bulkhead
