// One submission of a log's newest checkpoint to a witness, as C2SP's tlog-witness has it. Who
// carries the bytes is the caller's business.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "audit/witness.h"
#include "base/result.h"

namespace bulkhead {

struct WitnessReply {
  int status = 0;
  std::string body;
};

struct WitnessSides {
  // The newest checkpoint, with the proof that it continues the log's first `old_size` entries.
  // kInvalid: the log has not so many.
  std::function<Result<AddCheckpoint>(uint64_t old_size)> prove;
  // POST /add-checkpoint at the witness.
  std::function<Result<WitnessReply>(const std::string& body)> post;
};

// The checkpoint with the witness's signature below it, which is for the caller to check.
// `known_size`: what the witness is believed to have signed, 0 where nobody knows; afterwards what
// it has said. kCorruption: it has signed more than the log has. kDenied: it refuses.
Result<std::string> SubmitToWitness(const WitnessSides& sides, uint64_t* known_size);

}  // namespace bulkhead
