// Where secret bytes live. Guarded, locked pages cost several system calls each, so that small
// secrets (keys, hash states) share such pages, and only large ones have pages of their own.
// Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bulkhead {

// Zeros; never null.
uint8_t* AllocateSecret(size_t size);

// Wipes, then gives back. `size` is what was asked for.
void FreeSecret(uint8_t* data, size_t size);

}  // namespace bulkhead
