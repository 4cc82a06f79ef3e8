// How often each rule hit, by property path and sending library; no values. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "sieve/sieve.h"

namespace bulkhead {

struct SieveCount {
  std::string rule;
  std::string path;
  std::string library;  // the sender's mp_lib, "other" if it is none that is known
  Action action = Action::kKeep;
  uint64_t count = 0;
};

class SieveCounters {
 public:
  // Bounded, because paths and libraries come from outside: past this every new key counts as
  // "other".
  static constexpr size_t kMaxKeys = 4096;

  void Add(const std::vector<Finding>& findings, std::string_view library);
  // Ordered by rule, path, library.
  [[nodiscard]] std::vector<SieveCount> Snapshot() const;

 private:
  using Key = std::tuple<std::string, std::string, std::string, Action>;
  mutable std::mutex mutex_;
  std::map<Key, uint64_t> counts_;
};

}  // namespace bulkhead
