#include "egress/vendor_letters.h"

#include <utility>

#include "base/byte_codec.h"
#include "model/batch_codec.h"

namespace bulkhead {

std::string EncodeQueuedBatch(uint64_t log_position, const Batch& batch) {
  std::string bytes;
  ByteWriter(&bytes).Varint(log_position);
  EncodeBatch(batch, &bytes);
  return bytes;
}

Result<QueuedBatch> DecodeQueuedBatch(std::string_view bytes) {
  ByteReader in(bytes);
  QueuedBatch queued;
  queued.log_position = in.Varint();
  Result<Batch> batch = DecodeBatch(in.Raw(in.remaining()));
  if (!batch) {
    return batch.error();
  }
  queued.batch = *std::move(batch);
  return queued;
}

std::string EncodeDeadLetter(const DeadLetter& letter) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.SignedVarint(letter.at_ms);
  writer.String(letter.reason);
  writer.Raw(EncodeQueuedBatch(letter.message.log_position, letter.message.batch));
  return bytes;
}

Result<DeadLetter> DecodeDeadLetter(std::string_view bytes) {
  ByteReader in(bytes);
  DeadLetter letter;
  letter.at_ms = in.SignedVarint();
  letter.reason = in.String();
  if (!in.ok()) {
    return Error{ErrorCode::kCorruption, "a dead letter is cut off"};
  }
  Result<QueuedBatch> message = DecodeQueuedBatch(in.Raw(in.remaining()));
  if (!message) {
    return message.error();
  }
  letter.message = *std::move(message);
  return letter;
}

}  // namespace bulkhead
