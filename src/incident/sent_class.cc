#include "incident/sent_class.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "egress/message_batch.h"
#include "sieve/name_rules.h"

namespace bulkhead {
namespace {

using NamedClass = std::pair<std::string_view, std::string_view>;

// By the kinds of sieve/name_rules.h.
constexpr NamedClass kOfKind[] = {
    {"email", "user.contact.email"},         {"name", "user.name"},
    {"username", "user.account.username"},   {"phone", "user.contact.phone_number"},
    {"avatar", "user.content.self_image"},   {"address", "user.contact.address.street"},
    {"ssn", "user.government_id"},           {"dob", "user.demographic.date_of_birth"},
    {"iban", "user.financial.bank_account"}, {"card", "user.financial.credit_card"},
    {"ip", "user.device.ip_address"},        {"id", "user.unique_id"},
    {"click", "user.device.cookie_id"}};

constexpr NamedClass kOfName[] = {{"$browser", "user.device.telemetry"},
                                  {"$city", "user.location.coarse"},
                                  {"$country_code", "user.location.coarse"},
                                  {"$current_url", "user.behavior.browsing_history"},
                                  {"$device", "user.device.telemetry"},
                                  {"$model", "user.device.telemetry"},
                                  {"$os", "user.device.telemetry"},
                                  {"$referrer", "user.behavior.browsing_history"},
                                  {"$region", "user.location.coarse"},
                                  {"$search_engine", "user.behavior.search_history"},
                                  {"company", "user.professional_information.workplace"},
                                  {"mp_country_code", "user.location.coarse"},
                                  {"organisation", "user.professional_information.workplace"},
                                  {"organization", "user.professional_information.workplace"},
                                  {"plan", "user.account"},
                                  {kSentEventName, "user.behavior"},
                                  {"$email", "user.contact.email"},
                                  {"$first_name", "user.name.first"},
                                  {"$last_name", "user.name.last"},
                                  {"$name", "user.name"},
                                  {"$phone", "user.contact.phone_number"}};

template <size_t N>
std::string_view Find(const NamedClass (&table)[N], std::string_view name) {
  const auto* const found = std::ranges::find(table, name, &NamedClass::first);
  return found == std::end(table) ? std::string_view() : found->second;
}

}  // namespace

std::string ClassOfSent(std::string_view name, FieldForm form, const ProjectPolicy& rules) {
  if (form == FieldForm::kToken) {
    return "user.unique_id";
  }
  for (const PolicyRule& rule : rules.rules) {
    const bool matches =
        rule.by == PolicyRule::By::kGlob ? MatchesGlob(rule.pattern, name) : rule.pattern == name;
    if (matches && !rule.field_class.empty()) {
      return rule.field_class;
    }
  }
  if (const std::string_view known = Find(kOfName, name); !known.empty()) {
    return std::string(known);
  }
  return std::string(Find(kOfKind, DecideByName(name, false).kind));
}

bool IsGlob(std::string_view pattern) {
  return pattern.find_first_of("*?") != std::string_view::npos;
}

std::set<std::string> NamesUnder(const std::string& pattern, const ProjectPolicy& rules) {
  if (!IsGlob(pattern)) {
    return {pattern};
  }
  std::set<std::string> names;
  for (const auto& [name, field_class] : kOfName) {
    if (name != kSentEventName && MatchesGlob(pattern, name) &&
        DecideByName(name, true).action == Action::kKeep) {
      names.emplace(name);
    }
  }
  for (const PolicyRule& rule : rules.rules) {
    if (rule.action == Action::kKeep && MatchesGlob(pattern, rule.pattern)) {
      names.insert(rule.pattern);
    }
  }
  return names;
}

}  // namespace bulkhead
