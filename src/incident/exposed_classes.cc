#include "incident/exposed_classes.h"

#include <algorithm>

#include "egress/message_batch.h"
#include "sieve/name_rules.h"

namespace bulkhead {
namespace {

struct NamedClass {
  std::string_view names;  // between spaces
  std::string_view field_class;
};

// What the sieve knows a name for (sieve/name_rules.h).
constexpr NamedClass kOfKind[] = {
    {" email ", "user.contact.email"},
    {" name ", "user.name"},
    {" username ", "user.account.username"},
    {" phone ", "user.contact.phone_number"},
    {" avatar ", "user.content.self_image"},
    {" address ", "user.contact.address"},
    {" ssn ", "user.government_id"},
    {" dob ", "user.demographic.date_of_birth"},
    {" iban ", "user.financial.bank_account"},
    {" card ", "user.financial.credit_card"},
    {" password ", "user.authorization.password"},
    {" token secret api_key authorization cookie session otp saml ",
     "user.authorization.credentials"},
    {" ip ", "user.device.ip_address"},
    {" id click ", "user.unique_id"},
};

// What SDKs send by themselves, in NormaliseName's spelling.
constexpr NamedClass kOfName[] = {
    {" city region country country_code mp_country_code timezone ", "user.location.coarse"},
    {" latitude longitude geo_latitude geo_longitude ", "user.location.precise"},
    {" browser browser_version os os_version device device_type brand manufacturer model "
     "screen_width screen_height screen_dpi user_agent mp_lib lib_version app_version "
     "app_build_number app_version_string wifi carrier radio ",
     "user.device"},
    {" referrer referring_domain initial_referrer initial_referring_domain current_url "
     "current_page_title current_domain current_url_path search_engine mp_keyword utm_source "
     "utm_medium utm_campaign utm_content utm_term ",
     "user.behavior.browsing_history"},
    {" company company_id company_name organisation organisation_id organization organization_id "
     "org org_id workplace employer job_title ",
     "user.professional_information"},
    {" language locale ", "user.demographic.language"},
};

template <size_t N>
std::string_view Lookup(const NamedClass (&table)[N], const std::string& name) {
  const std::string word = " " + name + " ";
  for (const NamedClass& one : table) {
    if (one.names.find(word) != std::string_view::npos) return one.field_class;
  }
  return {};
}

bool Names(const PolicyRule& rule, const std::string& field) {
  return rule.by == PolicyRule::By::kGlob ? MatchesGlob(rule.pattern, field)
                                          : rule.pattern == field;
}

}  // namespace

std::string ClassOfName(std::string_view name) {
  if (name == kSentEventName || name == kSentTime) return "user.behavior";
  if (name == kAnyEventField) return "user.behavior";
  if (name == kAnyIdentity || name == kRawRequest) return "user.contact.email";
  const std::string normal = NormaliseName(name);
  if (const std::string_view known = Lookup(kOfName, normal); !known.empty()) {
    return std::string(known);
  }
  const std::string_view kind = Lookup(kOfKind, DecideByName(name, true).kind);
  return kind.empty() ? "user" : std::string(kind);
}

std::string ExposedClasses::Of(const std::string& field) const {
  if (const auto told = told_.find(field); told != told_.end()) return told->second;
  for (const PolicyRule& rule : policy_->rules) {
    if (!rule.field_class.empty() && Names(rule, field)) return rule.field_class;
  }
  return ClassOfName(field);
}

std::set<std::string> ExposedClasses::Of(const SentFields& fields) const {
  std::set<std::string> classes{std::string(kVendorIdClass)};
  for (const SentField& field : fields) {
    if (field.form != FieldForm::kToken) classes.insert(Of(field.name));
  }
  return classes;
}

}  // namespace bulkhead
