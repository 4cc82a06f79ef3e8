// Parameters of the query faces, from the query string, a form or JSON, through every reader.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/query_requests.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  using namespace bulkhead;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  QueryParameters parameters;
  const Result<void> added =
      (data[0] & 1) != 0 ? parameters.AddJson(text) : parameters.AddForm(text);
  if (!added) {
    return 0;
  }
  for (const auto kind :
       {SegmentationRequest::Kind::kSeries, SegmentationRequest::Kind::kNumeric}) {
    (void)ReadSegmentation(parameters, kind);
  }
  (void)ReadEvents(parameters);
  (void)ReadEventProperties(parameters);
  (void)ReadNames(parameters, NamesOf::kPropertyValues);
  (void)ReadRetention(parameters);
  (void)ReadAddiction(parameters);
  (void)ReadExport(parameters);
  (void)ReadFunnelParameters(parameters);
  FunnelReport funnel;
  (void)ReadFunnelInto(parameters, &funnel);
  (void)ReadEngage(parameters);
  (void)ReadActivity(parameters);
  return 0;
}
