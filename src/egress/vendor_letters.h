// What lies in a vendor's queue and among its dead letters, as bytes. Inside egress/.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/event.h"

namespace bulkhead {

// A queue's payload: what the policy let through of one record of the log.
struct QueuedBatch {
  uint64_t log_position = 0;  // 0: not from the log, as of a back-fill
  Batch batch;
};
std::string EncodeQueuedBatch(uint64_t log_position, const Batch& batch);
Result<QueuedBatch> DecodeQueuedBatch(std::string_view bytes);

// Takes what is of these subjects out of a batch; whether anything was.
bool RemoveSubjects(const std::set<SubjectId>& subjects, Batch* batch);

// Ids that the vendor is asked to delete what it has of.
std::string EncodeDeletions(const std::vector<SubjectId>& vendor_ids);
Result<std::vector<SubjectId>> DecodeDeletions(std::string_view bytes);

// A message that the vendor will never take: a batch of one.
struct DeadLetter {
  int64_t at_ms = 0;
  std::string reason;
  QueuedBatch message;
};
std::string EncodeDeadLetter(const DeadLetter& letter);
Result<DeadLetter> DecodeDeadLetter(std::string_view bytes);

}  // namespace bulkhead
