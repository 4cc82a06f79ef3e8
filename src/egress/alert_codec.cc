#include "egress/alert_codec.h"

#include "base/byte_codec.h"

namespace bulkhead {

std::string EncodeFirstHits(const std::vector<FirstHit>& hits) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Varint(hits.size());
  for (const FirstHit& hit : hits) {
    writer.Varint(hit.project.value);
    for (const std::string* text : {&hit.rule, &hit.path, &hit.library}) {
      writer.String(std::string_view(*text).substr(0, kMaxHitTextBytes));
    }
    writer.Byte(static_cast<uint8_t>(hit.action));
    writer.SignedVarint(hit.time_ms);
  }
  return bytes;
}

Result<std::vector<FirstHit>> DecodeFirstHits(std::string_view bytes) {
  ByteReader reader(bytes);
  std::vector<FirstHit> hits;
  bool fits = true;
  for (size_t left = reader.Count(); left > 0 && reader.ok() && fits; --left) {
    FirstHit& hit = hits.emplace_back();
    hit.project.value = static_cast<uint32_t>(reader.Varint());
    for (std::string* text : {&hit.rule, &hit.path, &hit.library}) {
      *text = reader.String();
      fits = fits && text->size() <= kMaxHitTextBytes;
    }
    const uint8_t action = reader.Byte();
    fits = fits && action <= static_cast<uint8_t>(Action::kTokenAndSeal) &&
           hits.size() <= kMaxHitsInCall;
    hit.action = static_cast<Action>(action);
    hit.time_ms = reader.SignedVarint();
  }
  if (!fits || !reader.ok() || !reader.AtEnd()) {
    return Error{ErrorCode::kInvalid, "a call to egress is malformed"};
  }
  return hits;
}

}  // namespace bulkhead
