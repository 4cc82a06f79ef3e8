#include "channel/rpc_frame.h"

#include <sys/socket.h>
#include <sys/types.h>

#include <cerrno>
#include <utility>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

Error Gone() { return {ErrorCode::kUnavailable, "the other compartment is not running"}; }

Result<void> WriteAll(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return Gone();
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Result<void> ReadAll(int socket, char* out, size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(socket, out, size, 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return Gone();
    }
    out += got;
    size -= static_cast<size_t>(got);
  }
  return {};
}

}  // namespace

Result<void> WriteRpcFrame(int socket, const RpcFrame& frame) {
  if (frame.body.size() > kMaxRpcBodyBytes) {
    return Error{ErrorCode::kLimit, "an answer between compartments is too long"};
  }
  std::string header;
  ByteWriter writer(&header);
  writer.Fixed(static_cast<uint32_t>(frame.body.size()));
  writer.Fixed(frame.call);
  writer.Byte(frame.kind);
  Result<void> written = WriteAll(socket, header);
  return written ? WriteAll(socket, frame.body) : written;
}

Result<RpcFrame> ReadRpcFrame(int socket) {
  std::string header(kRpcHeaderBytes, '\0');
  if (Result<void> read = ReadAll(socket, header.data(), header.size()); !read) {
    return read.error();
  }
  ByteReader reader(header);
  const auto size = reader.Fixed<uint32_t>();
  RpcFrame frame;
  frame.call = reader.Fixed<uint64_t>();
  frame.kind = reader.Byte();
  if (size > kMaxRpcBodyBytes) {
    return Error{ErrorCode::kInvalid, "a frame on a channel is too long"};
  }
  frame.body.resize(size);
  if (Result<void> read = ReadAll(socket, frame.body.data(), size); !read) {
    return read.error();
  }
  return frame;
}

RpcFrame AnswerFrame(uint64_t call, Result<std::string> answer) {
  if (answer && answer->size() > kMaxRpcBodyBytes) {
    answer = Error{ErrorCode::kLimit, "the answer is too long"};
  }
  if (answer) {
    return {call, 0, *std::move(answer)};
  }
  return {call, static_cast<uint8_t>(answer.error().code), answer.error().message};
}

Result<std::string> AnswerOf(RpcFrame frame) {
  if (frame.kind == 0) {
    return std::move(frame.body);
  }
  const bool known = frame.kind <= static_cast<uint8_t>(ErrorCode::kBug);
  return Error{known ? static_cast<ErrorCode>(frame.kind) : ErrorCode::kBug, std::move(frame.body)};
}

}  // namespace bulkhead
