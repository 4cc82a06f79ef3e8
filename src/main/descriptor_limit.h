// Every connection costs a file descriptor, and so do segments, logs and databases.
#pragma once

#include <cstddef>

namespace bulkhead {

// Raises the process's soft limit on open files to the hard one, which the system leaves low for
// programs that still use select().
void RaiseDescriptorLimit();

// How many connections each of `listeners` may hold, at most `wanted`, so that all of them together
// leave descriptors for the files: without one left even a segment could not be written.
size_t ConnectionsPerListener(size_t wanted, size_t listeners);

}  // namespace bulkhead
