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

bool RemoveSubjects(const std::set<SubjectId>& subjects, Batch* batch) {
  const size_t events = std::erase_if(
      batch->events, [&](const Event& event) { return subjects.contains(event.person); });
  const size_t updates = std::erase_if(batch->profile_updates, [&](const ProfileUpdate& update) {
    return subjects.contains(update.subject);
  });
  return events + updates > 0;
}

std::string EncodeDeletions(const std::vector<SubjectId>& vendor_ids) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(vendor_ids.size());
  for (const SubjectId& id : vendor_ids) {
    writer.Fixed(id.bytes);
  }
  return bytes;
}

Result<std::vector<SubjectId>> DecodeDeletions(std::string_view bytes) {
  ByteReader in(bytes);
  std::vector<SubjectId> ids(in.Count());
  for (SubjectId& id : ids) {
    id.bytes = in.Fixed<decltype(id.bytes)>();
  }
  return in.ok() && in.AtEnd()
             ? Result<std::vector<SubjectId>>(std::move(ids))
             : Error{ErrorCode::kCorruption, "ids that a vendor is to delete are damaged"};
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
