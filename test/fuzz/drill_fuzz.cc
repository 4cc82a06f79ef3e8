// Arbitrary bytes as the file that a drill's thief has stolen, and as text of its report.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "incident/pdf_pages.h"
#include "main/drill_count.h"
#include "main/drill_thief.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;  // NOLINT
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Giveaways giveaways({{0, true, std::string(text)},
                             {0, true, R"({"$set":{"$email":"a@b.example","$name":"Ann Lake"}})"}});
  for (const DrillSearch& search : giveaways.SearchIn(text, "m.example").searches) {
    Check(search.in_traffic > 0, "only kinds that the traffic has");
  }
  if (const auto counts = CountAgainstLedger(text, {"aa"}, IncidentExposure())) {
    Check(!counts->empty() && counts->front().ledger_sends == 0, "of everything first");
  }
  Check(PdfText(text).size() <= size, "a letter for a character");
  const Result<std::unique_ptr<PdfPages>> pages = PdfPages::Create("fuzz");
  if (size < 2000 && pages) {
    for (const std::string& line : (*pages)->Wrap(text, {}, 60)) {
      Check(line.size() == 1 || (*pages)->WidthOf(line, {}) <= 60, "no wider than asked");
    }
  }
  return 0;
}
