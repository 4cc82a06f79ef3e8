// What C++ gives back to the heap can be made to hold nothing, for processes through which raw
// values pass: their memory may be read by whoever breaks in later. Only memory from new is meant;
// what C libraries take from malloc by themselves is theirs.
#pragma once

namespace bulkhead {

// From here on every block is zeroed before it is given back, by every thread. Not undone. Costs
// about as much as writing the block once more.
void WipeFreedMemory();

// Zeroes what earlier calls may have left on this thread's stack, some tens of kilobytes below the
// caller's frame: to be called where a request is done and nothing of it lives.
void WipeUnusedStack();

// Zeroes the vector registers, in which copying leaves pieces of what it copied. A new thread
// starts with those of the thread that made it, and they reach its stack when they are saved there.
void WipeRegisters();

}  // namespace bulkhead
