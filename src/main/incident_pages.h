// Long lists about incidents on their way from egress to a command, page by page: the subjects of a
// window by risk, and the ids that a vendor knows subjects by. Both ends are this program. Pure;
// safe on arbitrary bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "incident/exposure_survey.h"
#include "model/ids.h"

namespace bulkhead {

std::string EncodeRiskPage(const RiskPage& page);
// kInvalid: not what EncodeRiskPage writes, or a subject with a field that is not there.
Result<RiskPage> DecodeRiskPage(std::string_view bytes);

struct VendorIdPage {
  struct Entry {
    SubjectId vendor_id;
    SubjectId subject;  // nobody: not asked for
  };
  std::vector<Entry> ids;
  bool more = false;
};
std::string EncodeVendorIdPage(const VendorIdPage& page);
// kInvalid: not what EncodeVendorIdPage writes.
Result<VendorIdPage> DecodeVendorIdPage(std::string_view bytes);

// The canaries of one epoch, by number from 0.
struct CanaryPage {
  struct Entry {
    SubjectId vendor_id;
    std::string address;  // in lower case; empty: it has none
  };
  std::vector<Entry> canaries;
};
std::string EncodeCanaryPage(const CanaryPage& page);
// kInvalid: not what EncodeCanaryPage writes.
Result<CanaryPage> DecodeCanaryPage(std::string_view bytes);

}  // namespace bulkhead
