#include "main/witness_exchange.h"

#include <fmt/format.h>

#include <optional>

#include "audit/signed_note.h"

namespace bulkhead {
namespace {

// A 409 says the size that the witness has, on a line of its own.
std::optional<uint64_t> SizeSaid(const WitnessReply& reply) {
  std::string_view line(reply.body);
  line.remove_suffix(line.ends_with('\n') ? 1 : 0);
  return reply.status == 409 ? ParseDecimal(line) : std::nullopt;
}

Error Refusal(const WitnessReply& reply) {
  return {ErrorCode::kDenied, fmt::format("the witness refuses: {} {}", reply.status,
                                          reply.body.substr(0, reply.body.find('\n')))};
}

}  // namespace

// Two calls at most: the first may learn what the witness has.
Result<std::string> SubmitToWitness(const WitnessSides& sides, uint64_t* known_size) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Result<AddCheckpoint> request = sides.prove(*known_size);
    if (!request) {
      return request.error().code == ErrorCode::kInvalid
                 ? Error{ErrorCode::kCorruption,
                         fmt::format("the witness has signed {} entries, more than the log has",
                                     *known_size)}
                 : request.error();
    }
    const Result<WitnessReply> reply = sides.post(WriteAddCheckpoint(*request));
    if (!reply) {
      return reply.error();
    }
    if (reply->status == 200) {
      return request->signed_checkpoint + reply->body;
    }
    const std::optional<uint64_t> said = SizeSaid(*reply);
    if (!said || *said == *known_size) {
      return Refusal(*reply);
    }
    *known_size = *said;
  }
  return Error{ErrorCode::kUnavailable, "the witness has just signed for someone else; try again"};
}

}  // namespace bulkhead
