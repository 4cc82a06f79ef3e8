#include "incident/blast_radius.h"

#include <algorithm>
#include <map>

#include "egress/message_batch.h"
#include "incident/sent_class.h"

namespace bulkhead {
namespace {

void AddClass(std::string_view name, FieldForm form, const ProjectPolicy& rules,
              std::set<std::string>* classes) {
  if (std::string one = ClassOfSent(name, form, rules); !one.empty()) {
    classes->insert(std::move(one));
  }
}

void AddFields(const std::vector<VendorField>& fields, const ProjectPolicy& rules,
               std::set<std::string>* classes) {
  for (const VendorField& field : fields) {
    for (const std::string& name : NamesUnder(field.property, rules)) {
      AddClass(name, field.form, rules, classes);
    }
  }
}

}  // namespace

BlastRadius RadiusOf(const std::vector<ExposedCombination>& combinations) {
  std::map<std::set<std::string>, uint64_t> together;
  for (const ExposedCombination& one : combinations) {
    together[one.classes] += one.subjects;
  }
  BlastRadius radius;
  for (const auto& [classes, subjects] : together) {
    radius.lines.push_back({subjects, classes, ScorePhishing(classes, {})});
    radius.subjects += subjects;
    radius.points += radius.lines.back().points();
  }
  std::ranges::stable_sort(radius.lines, std::greater<>(), &BlastRadius::Line::points);
  return radius;
}

std::set<std::string> ClassesOf(const VendorPolicy& vendor, const ProjectPolicy& rules) {
  std::set<std::string> classes;
  for (const VendorEvent& event : vendor.events) {
    AddClass(kSentEventName, FieldForm::kPlain, rules, &classes);
    AddFields(event.fields, rules, &classes);
  }
  AddFields(vendor.profile, rules, &classes);
  for (const std::string& identity : vendor.identities) {
    AddClass(identity, FieldForm::kIdentity, rules, &classes);
  }
  return classes;
}

std::set<std::string> ClassesOfVault() {
  return {"user.contact.email", "user.contact.phone_number", "user.name"};
}

std::set<std::string> ClassesOfStore(const ProjectPolicy& rules) {
  VendorPolicy everything;
  everything.events = {{"*", {{"*", FieldForm::kPlain}}}};
  return ClassesOf(everything, rules);
}

}  // namespace bulkhead
