// SIGTERM and SIGINT as something to wait for.
#pragma once

namespace bulkhead {

// Once, before any thread is started: the signals then reach only WaitForStopSignal. SIGPIPE is
// ignored.
void BlockStopSignals();

// Returns when SIGTERM or SIGINT arrives.
void WaitForStopSignal();

// Whether one has arrived, for work that ends between two steps; after BlockStopSignals, before
// WaitForStopSignal.
bool StopRequested();

}  // namespace bulkhead
