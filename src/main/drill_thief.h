// What the thief of a drill does, with what a thief has: the vendor's service account, and mail.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "incident/drill_report.h"
#include "main/demo_traffic.h"

namespace bulkhead {

struct StolenSet {
  uint64_t bytes = 0, events = 0, profiles = 0;  // lines of each
};
// Exports everything that the account sees into the file `path`, which is not there yet: an event
// or a profile a line, as JSON. `account` is "user:secret".
Result<StolenSet> StealExport(const std::string& vendor_url, const std::string& account,
                              const std::string& path);

// What SDKs sent that says who somebody is, by kind: to be looked for in what was stolen.
class Giveaways {
 public:
  explicit Giveaways(const std::vector<DemoItem>& traffic);

  struct Findings {
    std::vector<DrillSearch> searches;
    std::set<std::string> addresses;  // all that are in the text, whosever they are
  };
  // Every address in `text` counts, whether the SDKs sent it or not; those at `canary_domain` and
  // names on lines with one of them are canaries'.
  [[nodiscard]] Findings SearchIn(std::string_view text, const std::string& canary_domain) const;

 private:
  using Found = std::map<std::string, std::set<std::string>>;  // by kind
  void SearchLine(std::string_view line, bool is_canarys, Found* found,
                  std::set<std::string>* addresses) const;
  std::map<std::string, std::set<std::string, std::less<>>> kinds_;
};

}  // namespace bulkhead
