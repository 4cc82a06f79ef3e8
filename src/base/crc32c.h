// CRC-32C (Castagnoli), by the processor's instruction where it has one.
#pragma once

#include <cstdint>
#include <string_view>

namespace bulkhead {

uint32_t Crc32c(std::string_view bytes, uint32_t seed = 0);

// The portable form, for tests that compare both.
uint32_t Crc32cPortable(std::string_view bytes, uint32_t seed = 0);

}  // namespace bulkhead
