// IncidentDesk: the ids and addresses that a leaked file is searched for.
#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/base64.h"
#include "main/audit_messages.h"
#include "main/desk_answers.h"
#include "main/incident_desk.h"
#include "main/incident_pages.h"
#include "model/value.h"

namespace bulkhead {
namespace {

constexpr size_t kPageIds = 200'000;

}  // namespace

Result<std::string> IncidentDesk::Sources() const {
  std::string json = "[";
  for (const auto& [vendor, epoch] : parts_.gather.ledger->Epochs()) {
    const std::shared_ptr<VendorSender> sender = parts_.gateway->Find(vendor);
    bool has_key = false;
    if (sender != nullptr) {
      for (const auto& [number, ids] : sender->KnownEpochs()) has_key |= number == epoch;
    }
    json += json.size() > 1 ? ",{\"vendor\":" : "{\"vendor\":";
    AppendJsonString(vendor, &json);
    json += fmt::format(R"(,"epoch":{},"key":{}}})", epoch, has_key);
  }
  return json + "]";
}

Result<EpochIds> IncidentDesk::IdsOf(const std::string& vendor, uint32_t epoch) const {
  if (const std::shared_ptr<VendorSender> sender = parts_.gateway->Find(vendor)) {
    for (auto& [number, ids] : sender->KnownEpochs()) {
      if (number == epoch) return std::move(ids);
    }
  }
  return Error{ErrorCode::kNotFound, "there is no key of that vendor's epoch"};
}

// Of the present epoch those that were born; of an earlier one all that there can have been, since
// how many there were is kept nowhere.
Result<std::string> IncidentDesk::Canaries(const DeskCommand& command) {
  const std::string vendor = command.Text("vendor");
  const auto epoch = static_cast<uint32_t>(command.Number("epoch"));
  const Result<EpochIds> ids = IdsOf(vendor, epoch);
  if (!ids) {
    return ids.error();
  }
  const VendorPolicies policies = parts_.gateway->policies();
  const auto policy = policies.find(vendor);
  const std::string domain = policy == policies.end() ? "" : policy->second.canary_domain;
  const std::shared_ptr<VendorSender> sender = parts_.gateway->Find(vendor);
  const VendorStatus status = sender == nullptr ? VendorStatus{} : sender->status();
  const uint32_t count = status.epoch == epoch ? status.canaries : kMostCanaries;
  CanaryPage page;
  for (uint32_t number = 0; number < count; ++number) {
    page.canaries.push_back(
        {ids->canaries().VendorId(number),
         domain.empty() ? "" : ids->canaries().Person(number).local_part + "@" + domain});
  }
  AuditEntry entry;
  entry.actor = command.actor();
  entry.action = kIncidentMatchAction;
  entry.scope = fmt::format("vendor {}, epoch {}, canaries", vendor, epoch);
  entry.count = page.canaries.size();
  entry.outcome = "allowed";
  const Result<uint64_t> recorded = parts_.record(entry);
  return recorded ? Result<std::string>(
                        fmt::format(R"({{"page":"{}"}})", Base64Encode(EncodeCanaryPage(page))))
                  : recorded.error();
}

Result<std::string> IncidentDesk::VendorIds(const DeskCommand& command) {
  const std::string vendor = command.Text("vendor");
  const auto epoch = static_cast<uint32_t>(command.Number("epoch"));
  const Result<EpochIds> ids = IdsOf(vendor, epoch);
  if (!ids) {
    return ids.error();
  }
  const bool with_subjects = command.Flag("subjects");
  const std::optional<SubjectId> after = SubjectId::FromHex(command.Text("after"));
  bool begun = !after.has_value();
  VendorIdPage page;
  AuditEntry entry;
  const auto take = [&](const SubjectId& subject, const SentFields&) {
    const SubjectId vendor_id = ids->Of(subject);
    if (begun && page.ids.size() == kPageIds) {
      page.more = true;
      return false;
    }
    if (begun) {
      page.ids.push_back({vendor_id, with_subjects ? subject : SubjectId{}});
      if (with_subjects) entry.subjects.push_back(subject);
    }
    begun = begun || vendor_id == *after;
    return true;
  };
  const Result<void> read =
      parts_.gather.ledger->ForEachSubject({vendor, epoch, 0, INT32_MAX}, take);
  if (!read) {
    return read.error();
  }
  if (!begun) {
    return NotGood("somebody was erased meanwhile; begin again");
  }
  entry.actor = command.actor();
  entry.action = kIncidentMatchAction;
  const VendorPolicies policies = parts_.gateway->policies();
  if (const auto policy = policies.find(vendor); policy != policies.end()) {
    entry.project = policy->second.project.value;
  }
  entry.scope = fmt::format("vendor {}, epoch {}", vendor, epoch);
  entry.count = page.ids.size();
  entry.outcome = "allowed";
  const Result<uint64_t> recorded = parts_.record(entry);
  return recorded ? Result<std::string>(
                        fmt::format(R"({{"page":"{}"}})", Base64Encode(EncodeVendorIdPage(page))))
                  : recorded.error();
}

}  // namespace bulkhead
