// Arbitrary bytes as the record of an incident, as what people said of it, and as the calls and
// pages about it that go between processes: what is read is written the same again.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "crypto/crypto.h"
#include "incident/incident_record.h"
#include "incident/incident_text.h"
#include "incident/incident_view.h"
#include "main/audit_shown.h"
#include "main/desk_command.h"
#include "main/holdings.h"
#include "main/incident_pages.h"
#include "main/residence.h"

namespace {

using namespace bulkhead;  // NOLINT

void ReadVersion(std::string_view bytes) {
  const Result<IncidentVersion> version = DecodeIncidentVersion(bytes);
  if (!version) return;
  Check(EncodeIncidentVersion(*version) == bytes, "one spelling");
  Check(!IncidentJson(*version).empty() && !RenderIncident(*version).empty(), "it can be shown");
  Check(DifferencesOf(*version, *version).empty(), "nothing differs from itself");
  static_cast<void>(DraftNotices(*version));
  static_cast<void>(DisclosureOf({&*version, 1}));
  static_cast<void>(FaultOfFacts(version->facts));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  InitCrypto();
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
      ReadVersion(bytes);
      break;
    case 1:
      if (const auto facts = DecodeIncidentFacts(bytes)) {
        Check(EncodeIncidentFacts(*facts) == bytes, "one spelling");
      }
      break;
    case 2:
      if (const auto page = DecodeRiskPage(bytes)) {
        Check(EncodeRiskPage(*page) == bytes, "one spelling");
      }
      break;
    case 3:
      if (const auto page = DecodeVendorIdPage(bytes)) {
        Check(EncodeVendorIdPage(*page) == bytes, "one spelling");
      }
      if (const auto page = DecodeCanaryPage(bytes)) {
        Check(EncodeCanaryPage(*page) == bytes, "one spelling");
      }
      break;
    case 4:
      if (const auto command = DeskCommand::Parse(bytes)) {
        Check(!command->actor().empty(), "somebody asks");
      }
      break;
    case 5:
      if (const auto request = DecodeShownRequest(bytes)) {
        Check(EncodeShownRequest(*request) == bytes, "one spelling");
      }
      if (const auto page = DecodeShownPage(bytes)) {
        Check(EncodeShownPage(*page) == bytes, "one spelling");
      }
      break;
    case 6:
      if (const auto request = DecodeHoldingsRequest(bytes)) {
        Check(EncodeHoldingsRequest(*request) == bytes, "one spelling");
      }
      if (const auto page = DecodeHoldingsPage(bytes)) {
        Check(EncodeHoldingsPage(*page) == bytes, "one spelling");
      }
      break;
    default:
      if (const auto request = DecodeResidenceRequest(bytes)) {
        static_cast<void>(EncodeResidenceRequest(*request));
      }
      if (const auto residence = DecodeResidence(bytes)) {
        Check(EncodeResidence(*residence) == bytes, "one spelling");
      }
      break;
  }
  return 0;
}
