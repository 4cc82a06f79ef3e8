// Arbitrary bytes as a batch and as a list of sealed fields: refused, or read to something that is
// written and read again to the same bytes.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "model/batch_codec.h"
#include "model/sealed_fields.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;  // NOLINT
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const Result<Batch> batch = DecodeBatch(bytes)) {
    std::string once;
    EncodeBatch(*batch, &once);
    const Result<Batch> again = DecodeBatch(once);
    Check(again.has_value(), "what was encoded is decoded");
    std::string twice;
    EncodeBatch(*again, &twice);
    Check(once == twice, "encoding is stable");
    Check(again->events.size() == batch->events.size(), "no event is lost");
    const Result<SealedPart> part = SealedPartOf(bytes);
    Check(part && part->project == batch->project && part->sealed == batch->sealed,
          "the sealed part is the batch's");
  } else {
    (void)SealedPartOf(bytes).has_value();
  }
  if (const auto fields = DecodeSealedFields(bytes)) {
    Check(EncodeSealedFields(*fields) == bytes, "sealed fields have one form");
  }
  return 0;
}
