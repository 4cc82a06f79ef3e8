#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "egress/shared_subjects.h"
#include "main/vendor_desk.h"
#include "main/vendor_json.h"
#include "model/value.h"

namespace bulkhead {
namespace {

constexpr size_t kMostCombinations = 200;
// Every day that the ledger can have.
constexpr int32_t kFirstDay = 0;
constexpr int32_t kLastDay = 2'932'896;

// How many subjects had which fields sent. What is more than a list may hold counts as one
// combination with all of its fields.
using Combinations = std::map<SentFields, uint64_t>;

struct CombinationCount {
  Combinations listed;
  SentFields rest_fields;
  uint64_t rest = 0;

  void Add(const SentFields& fields) {
    const auto found = listed.find(fields);
    if (found != listed.end()) {
      ++found->second;
    } else if (listed.size() < kMostCombinations) {
      listed.emplace(fields, 1);
    } else {
      SentFields both;
      std::ranges::set_union(rest_fields, fields, std::back_inserter(both));
      rest_fields = std::move(both);
      ++rest;
    }
  }
  [[nodiscard]] Combinations All() const {
    Combinations all = listed;
    if (rest != 0) all[rest_fields] += rest;
    return all;
  }
};

std::string CombinationsJson(const Combinations& combinations) {
  std::string json = "[";
  for (const auto& [fields, subjects] : combinations) {
    json += fmt::format(R"({}{{"subjects":{},"fields":[)", json.size() > 1 ? "," : "", subjects);
    for (const SentField& field : fields) {
      json += fmt::format(R"({}{{"name":{},"form":"{}"}})", json.back() == '[' ? "" : ",",
                          ToJson(Value(field.name)), FieldFormName(field.form));
    }
    json += "]}";
  }
  return json + "]";
}

using Statuses = std::map<std::string, std::optional<VendorStatus>>;

std::vector<std::string> Names(const Statuses& vendors) {
  std::vector<std::string> names;
  for (const auto& [name, status] : vendors) names.push_back(name);
  return names;
}

// With whom the ledger has how many of its subjects too.
std::string SharedJson(const std::string& vendor, const SharedCounts& common) {
  std::string json = "[";
  for (const auto& [pair, subjects] : common) {
    if (pair.first != vendor && pair.second != vendor) continue;
    json += fmt::format(R"({}{{"vendor":{},"subjects":{}}})", json.size() > 1 ? "," : "",
                        ToJson(Value(pair.first == vendor ? pair.second : pair.first)), subjects);
  }
  return json + "]";
}

}  // namespace

// Of the policy's vendors and of those that the ledger alone still knows.
Result<std::string> VendorDesk::Measure() const {
  Statuses vendors;
  for (const auto& [vendor, epoch] : parts_.ledger->Epochs()) {
    vendors.try_emplace(vendor);
  }
  for (VendorStatus& status : parts_.gateway->List()) {
    const std::string name = status.name;
    vendors[name] = std::move(status);
  }
  const Result<SharedCounts> common = CountSharedSubjects(*parts_.ledger, Names(vendors));
  if (!common) {
    return common.error();
  }
  const VendorPolicies policies = parts_.gateway->policies();
  std::string json = "[";
  for (const auto& [vendor, status] : vendors) {
    const LedgerWindow window{vendor, std::nullopt, kFirstDay, kLastDay};
    const Result<Exposure> exposure = parts_.ledger->Ask(window);
    const Result<std::string> joinable =
        exposure ? JoinableJson(window) : Result<std::string>(exposure.error());
    if (!joinable) {
      return joinable.error();
    }
    json += fmt::format(R"({}{{"vendor":{},"status":{},"exposure":{},"common":{},{}}})",
                        json.size() > 1 ? "," : "", ToJson(Value(vendor)),
                        status ? VendorStatusJson(*status, policies) : "null",
                        ExposureJson(window, *exposure), SharedJson(vendor, *common), *joinable);
  }
  return json + "]";
}

// Of the epochs whose keys are there; of a vendor that the policy does not name, whose keys are not
// looked at, of all. Where all are there, a subject counts once with all that was sent of it; else
// once for each epoch, since nothing says any more who is who in the others.
Result<std::string> VendorDesk::JoinableJson(const LedgerWindow& window) const {
  std::set<uint32_t> known;
  const std::shared_ptr<VendorSender> sender = parts_.gateway->Find(window.vendor);
  if (sender != nullptr) {
    for (const auto& [epoch, ids] : sender->KnownEpochs()) {
      known.insert(epoch);
    }
  }
  std::vector<std::optional<uint32_t>> asked;
  bool all = true;
  for (const auto& [vendor, epoch] : parts_.ledger->Epochs()) {
    if (vendor != window.vendor) continue;
    const bool joinable = sender == nullptr || known.contains(epoch);
    all = all && joinable;
    if (joinable) asked.emplace_back(epoch);
  }
  if (all && !asked.empty()) asked = {std::nullopt};
  CombinationCount count;
  for (const std::optional<uint32_t>& epoch : asked) {
    LedgerWindow one = window;
    one.epoch = epoch;
    const Result<void> read = parts_.ledger->ForEachSubject(
        one, [&count](const SubjectId& /*subject*/, const SentFields& fields) {
          count.Add(fields);
          return true;
        });
    if (!read) {
      return read.error();
    }
  }
  return fmt::format(R"("all_epochs_known":{},"combinations":{})", all,
                     CombinationsJson(count.All()));
}

}  // namespace bulkhead
