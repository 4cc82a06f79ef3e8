#include "egress/vendor_filter.h"

#include <utility>

#include "model/policy.h"
#include "sieve/coarsen.h"

namespace bulkhead {
namespace {

const VendorField* FieldFor(const std::vector<VendorField>& fields, const std::string& property) {
  for (const VendorField& field : fields) {
    if (MatchesGlob(field.property, property)) {
      return &field;
    }
  }
  return nullptr;
}

std::vector<OutboundField> AllowFields(const std::vector<VendorField>& fields,
                                       const ValueObject& properties) {
  std::vector<OutboundField> allowed;
  for (const auto& [name, value] : properties) {
    const VendorField* field = name == kPolicyVersionProperty ? nullptr : FieldFor(fields, name);
    if (field == nullptr) {
      continue;
    }
    OutboundField& out = allowed.emplace_back(OutboundField{name, value, field->form});
    if (out.form == FieldForm::kCoarse && !CoarsenValue(&out.value)) {
      allowed.pop_back();
    }
  }
  return allowed;
}

const VendorEvent* RuleFor(const VendorPolicy& policy, const std::string& name) {
  for (const VendorEvent& rule : policy.events) {
    if (MatchesGlob(rule.event, name)) {
      return &rule;
    }
  }
  return nullptr;
}

ValueObject PropertiesOf(std::vector<OutboundField>* fields) {
  ValueObject properties;
  for (OutboundField& field : *fields) {
    properties.emplace_back(std::move(field.name), std::move(field.value));
  }
  return properties;
}

}  // namespace

const SubjectId& PlacingId(const PlacingIds& ids, const SubjectId& person) {
  const auto found = ids.find(person);
  return found == ids.end() ? person : found->second;
}

std::optional<AllowedMessage> AllowEvent(const VendorPolicy& policy, const Event& event,
                                         const SubjectId& placed_by) {
  const VendorEvent* rule = RuleFor(policy, event.name);
  if (rule == nullptr || !policy.share.Has(placed_by)) {
    return std::nullopt;
  }
  return AllowedMessage{OutboundMessage::Kind::kEvent, event.person, event.name,
                        CoarsenTime(event.time_ms, policy.time),
                        AllowFields(rule->fields, event.properties)};
}

std::optional<AllowedMessage> AllowUpdate(const VendorPolicy& policy, const ProfileUpdate& update,
                                          const SubjectId& placed_by) {
  const bool sets = update.op == ProfileOperator::kSet || update.op == ProfileOperator::kSetOnce;
  if (!sets || !update.group_key.empty() || update.subject.IsNobody() ||
      !policy.share.Has(placed_by)) {
    return std::nullopt;
  }
  AllowedMessage message{OutboundMessage::Kind::kProfile,
                         update.subject,
                         {},
                         CoarsenTime(update.time_ms, policy.time),
                         AllowFields(policy.profile, update.properties)};
  // An update of identifiers alone has nothing left in it here: the vault has it.
  return message.fields.empty() && policy.identities.empty()
             ? std::nullopt
             : std::optional<AllowedMessage>(std::move(message));
}

Batch FilterBatch(const VendorPolicy& policy, const Batch& batch, const PlacingIds& ids) {
  Batch filtered;
  filtered.project = batch.project;
  filtered.arrival_ms = batch.arrival_ms;
  filtered.policy_version = batch.policy_version;
  if (batch.project != policy.project) {
    return filtered;
  }
  for (const Event& event : batch.events) {
    if (std::optional<AllowedMessage> allowed =
            AllowEvent(policy, event, PlacingId(ids, event.person))) {
      Event& kept = filtered.events.emplace_back();
      kept.name = std::move(allowed->name);
      kept.time_ms = allowed->time_ms;
      kept.person = allowed->subject;
      kept.device = event.device;
      kept.insert_id = event.insert_id;
      kept.properties = PropertiesOf(&allowed->fields);
    }
  }
  for (const ProfileUpdate& update : batch.profile_updates) {
    if (std::optional<AllowedMessage> allowed =
            AllowUpdate(policy, update, PlacingId(ids, update.subject))) {
      ProfileUpdate& kept = filtered.profile_updates.emplace_back();
      kept.subject = allowed->subject;
      kept.op = update.op;
      kept.time_ms = allowed->time_ms;
      kept.properties = PropertiesOf(&allowed->fields);
    }
  }
  return filtered;
}

}  // namespace bulkhead
