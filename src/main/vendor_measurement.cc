#include "main/vendor_measurement.h"

#include <utility>

#include "main/server_answer.h"

namespace bulkhead {
namespace {

using Json = simdjson::dom::element;

SentField FieldOf(const Json& json) {
  const std::optional<FieldForm> form = FieldFormNamed(TextMember(json, "form"));
  return {TextMember(json, "name"), form.value_or(FieldForm::kPlain)};
}

void ReadState(const Json& status, VendorMeasurement* vendor) {
  vendor->has_state = true;
  vendor->killed = FlagMember(status, "killed");
  vendor->paused = FlagMember(status, "paused");
  vendor->has_credential = FlagMember(status, "credential");
  vendor->credential_set_ms = NumberMember(status, "credential_set_ms");
  vendor->last_sent_ms = NumberMember(status, "last_sent_ms");
  vendor->epoch_begun_ms = NumberMember(status, "epoch_begun_ms");
  vendor->epoch = NumberMember(status, "epoch");
  vendor->epoch_keys = NumberMember(status, "epoch_keys");
}

void ReadExposure(const Json& exposure, VendorMeasurement* vendor) {
  vendor->subjects = NumberMember(exposure, "subjects");
  vendor->sends = NumberMember(exposure, "sends");
  for (const Json field : ListMember(exposure, "fields")) {
    vendor->fields.push_back({FieldOf(field), NumberMember(field, "subjects"),
                              NumberMember(field, "sends"), TextMember(field, "first"),
                              TextMember(field, "last")});
    const VendorMeasurement::Field& read = vendor->fields.back();
    // Days as text are in order.
    if (vendor->first.empty() || read.first < vendor->first) vendor->first = read.first;
    if (read.last > vendor->last) vendor->last = read.last;
  }
}

}  // namespace

Result<std::vector<VendorMeasurement>> MeasureVendors(const ReachedServer& server) {
  const Result<ServerAnswer> answer =
      ServerAnswer::Of(server.Command(R"({"command":"vendor-measure"})"));
  if (!answer) {
    return answer.error();
  }
  std::vector<VendorMeasurement> vendors;
  for (const Json one : ListOf(answer->root())) {
    VendorMeasurement& vendor = vendors.emplace_back();
    vendor.vendor = TextMember(one, "vendor");
    vendor.all_epochs_known = FlagMember(one, "all_epochs_known");
    Json part;
    if (one["status"].get(part) == simdjson::SUCCESS && part.is_object()) {
      ReadState(part, &vendor);
    }
    if (one["exposure"].get(part) != simdjson::SUCCESS) {
      return UnreadableAnswer();
    }
    ReadExposure(part, &vendor);
    for (const Json other : ListMember(one, "common")) {
      vendor.common[TextMember(other, "vendor")] =
          static_cast<uint64_t>(NumberMember(other, "subjects"));
    }
    for (const Json combination : ListMember(one, "combinations")) {
      VendorMeasurement::Combination& read = vendor.combinations.emplace_back();
      read.subjects = static_cast<uint64_t>(NumberMember(combination, "subjects"));
      for (const Json field : ListMember(combination, "fields")) {
        read.fields.push_back(FieldOf(field));
      }
    }
  }
  return vendors;
}

}  // namespace bulkhead
