#include "sieve/sieve_counters.h"

#include <algorithm>

namespace bulkhead {
namespace {

// mp_lib is free text from outside: only names of the known form are shown.
std::string LibraryName(std::string_view library) {
  const bool plain = !library.empty() && library.size() <= 32 &&
                     std::all_of(library.begin(), library.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                              c == '_' || c == '.' || c == '+' || c == '#';
                     });
  return plain ? std::string(library) : "other";
}

}  // namespace

void SieveCounters::Add(const std::vector<Finding>& findings, std::string_view library) {
  if (findings.empty()) return;
  const std::string name = LibraryName(library);
  const std::lock_guard lock(mutex_);
  for (const Finding& finding : findings) {
    Key key(finding.rule, finding.path, name, finding.action);
    const auto known = counts_.find(key);
    if (known != counts_.end()) {
      ++known->second;
    } else if (counts_.size() < kMaxKeys) {
      counts_.emplace(std::move(key), 1);
    } else {
      ++counts_[Key(finding.rule, "other", "other", finding.action)];
    }
  }
}

std::vector<SieveCount> SieveCounters::Snapshot() const {
  const std::lock_guard lock(mutex_);
  std::vector<SieveCount> snapshot;
  snapshot.reserve(counts_.size());
  for (const auto& [key, count] : counts_) {
    snapshot.push_back(
        {std::get<0>(key), std::get<1>(key), std::get<2>(key), std::get<3>(key), count});
  }
  return snapshot;
}

}  // namespace bulkhead
