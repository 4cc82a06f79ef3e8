// Arbitrary bytes as what the canaries' sink is told, and as the files of what canaries are
// remembered by and of what sights of them have come to.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "egress/canary_memory.h"
#include "egress/canary_sights.h"
#include "main/smtp_dialogue.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;  // NOLINT
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const Result<CanaryMemory> memory = DecodeCanaryMemory(text)) {
    const Result<CanaryMemory> again = DecodeCanaryMemory(EncodeCanaryMemory(*memory));
    Check(again.has_value(), "what is written is read");
  }
  if (const Result<std::vector<CanarySights>> sights = DecodeCanarySights(text)) {
    Check(EncodeCanarySights(*sights) == text, "what is written is read");
  }
  const std::vector<std::string> domains = {"a.example"};
  SmtpDialogue dialogue(domains, [](const std::string& recipient, const std::string& domain) {
    Check(recipient.ends_with("@a.example") && recipient.size() < 80, "of the domain");
    Check(domain.size() < 254, "a domain");
  });
  Check(AddressesIn(text, domains).size() <= 100, "bounded");
  while (!text.empty() && !dialogue.over()) {
    const size_t end = text.find('\n');
    static_cast<void>(dialogue.Take(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return 0;
}
