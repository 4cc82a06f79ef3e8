#include "egress/canary_memory.h"

#include <utility>

#include "base/byte_codec.h"
#include "egress/canary_ids.h"
#include "model/batch_codec.h"

namespace bulkhead {
namespace {

void Write(const CanaryActivity& activity, ByteWriter* writer) {
  writer->SignedVarint(activity.first_span);
  writer->SignedVarint(activity.last_ms);
  for (const uint64_t count :
       {activity.events, activity.lately, activity.before, activity.sessions, activity.days}) {
    writer->Varint(count);
  }
  for (const uint32_t count : activity.mix) {
    writer->Varint(count);
  }
  writer->SignedVarint(activity.towards_noon);
  writer->SignedVarint(activity.towards_evening);
}

CanaryActivity ReadActivity(ByteReader* in) {
  CanaryActivity activity;
  activity.first_span = in->SignedVarint();
  activity.last_ms = in->SignedVarint();
  for (uint64_t* count :
       {&activity.events, &activity.lately, &activity.before, &activity.sessions, &activity.days}) {
    *count = in->Varint();
  }
  for (uint32_t& count : activity.mix) {
    count = static_cast<uint32_t>(in->Varint());
  }
  activity.towards_noon = static_cast<int32_t>(in->SignedVarint());
  activity.towards_evening = static_cast<int32_t>(in->SignedVarint());
  return activity;
}

}  // namespace

std::string EncodeCanaryMemory(const CanaryMemory& memory) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(memory.epoch);
  writer.Varint(memory.sparse);
  writer.Varint(memory.cast_sparse);
  writer.SignedVarint(memory.span);
  writer.Varint(memory.cast.size());
  for (const auto& [mark, activity] : memory.cast) {
    writer.Fixed(mark);
    Write(activity, &writer);
  }
  writer.Varint(memory.canaries.size());
  Batch traits;  // as a batch of events has them: names are written once
  for (const CanaryState& canary : memory.canaries) {
    writer.Fixed(canary.donor);
    Write(canary.activity, &writer);
    traits.events.emplace_back().properties = canary.traits;
  }
  EncodeBatch(traits, &bytes);
  return bytes;
}

Result<CanaryMemory> DecodeCanaryMemory(std::string_view bytes) {
  const Error damaged{ErrorCode::kCorruption, "the file of canaries is damaged"};
  ByteReader in(bytes);
  CanaryMemory memory;
  memory.epoch = static_cast<uint32_t>(in.Varint());
  memory.sparse = static_cast<uint32_t>(in.Varint());
  memory.cast_sparse = static_cast<uint32_t>(in.Varint());
  memory.span = in.SignedVarint();
  const size_t watched = in.Count();
  for (size_t i = 0; i < watched && in.ok(); ++i) {
    const auto mark = in.Fixed<uint64_t>();
    memory.cast[mark] = ReadActivity(&in);
  }
  const size_t canaries = in.Count();
  if (!in.ok() || canaries > kMostCanaries || memory.sparse > 63 || memory.cast_sparse > 63) {
    return damaged;
  }
  for (size_t i = 0; i < canaries && in.ok(); ++i) {
    CanaryState& canary = memory.canaries.emplace_back();
    canary.donor = in.Fixed<uint64_t>();
    canary.activity = ReadActivity(&in);
  }
  Result<Batch> traits = in.ok() ? DecodeBatch(in.Raw(in.remaining())) : Result<Batch>(damaged);
  if (!traits || traits->events.size() != canaries) {
    return damaged;
  }
  for (size_t i = 0; i < canaries; ++i) {
    memory.canaries[i].traits = std::move(traits->events[i].properties);
  }
  return memory;
}

}  // namespace bulkhead
