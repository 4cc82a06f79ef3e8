// One question or answer on a stream between two compartments:
//
//   bytes of the body u32 | number of the call u64 | kind u8 | body
//
// The kind of a question says what is asked; that of an answer is 0 or an ErrorCode, and the body
// then its message. Both ends are ours, and each may be in somebody else's hands: everything that
// is read is bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead {

inline constexpr size_t kMaxRpcBodyBytes = 64UL * 1024 * 1024;
inline constexpr size_t kRpcHeaderBytes = 13;

struct RpcFrame {
  uint64_t call = 0;
  uint8_t kind = 0;
  std::string body;
};

// All of it, or kUnavailable. kLimit: too long, nothing was written.
Result<void> WriteRpcFrame(int socket, const RpcFrame& frame);
Result<RpcFrame> ReadRpcFrame(int socket);

RpcFrame AnswerFrame(uint64_t call, Result<std::string> answer);
// The body of an answer, or the error that it is.
Result<std::string> AnswerOf(RpcFrame frame);

}  // namespace bulkhead
