#include "sieve/policy_defaults.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>

#include "sieve/value_rules.h"

namespace bulkhead {
namespace {

constexpr std::string_view kNameRulePrefix = "name:";

// In order.
constexpr std::string_view kStandard[] = {
    "$ae_crashed_reason",
    "$ae_first_app_open_date",
    "$ae_session_length",
    "$ae_total_app_session_length",
    "$ae_total_app_sessions",
    "$ae_updated_version",
    "$android_app_version",
    "$android_app_version_code",
    "$android_brand",
    "$android_lib_version",
    "$android_manufacturer",
    "$android_model",
    "$android_os",
    "$android_os_version",
    "$app_build_number",
    "$app_namespace",
    "$app_release",
    "$app_version",
    "$app_version_string",
    "$avatar",
    "$bluetooth_enabled",
    "$bluetooth_version",
    "$brand",
    "$browser",
    "$browser_version",
    "$carrier",
    "$city",
    "$country_code",
    "$created",
    "$current_url",
    "$device",
    "$duration",
    "$email",
    "$experiment_id",
    "$experiment_type",
    "$first_name",
    "$google_play_services",
    "$had_persisted_distinct_id",
    "$has_nfc",
    "$has_telephone",
    "$import",
    "$initial_referrer",
    "$initial_referring_domain",
    "$ios_app_release",
    "$ios_app_version",
    "$ios_device_model",
    "$ios_lib_version",
    "$ios_version",
    "$is_experiment_active",
    "$last_name",
    "$lib_version",
    "$manufacturer",
    "$model",
    "$mp_autocapture",
    "$mp_replay_id",
    "$name",
    "$os",
    "$os_version",
    "$phone",
    "$radio",
    "$referrer",
    "$referring_domain",
    "$region",
    "$screen_dpi",
    "$screen_height",
    "$screen_width",
    "$search_engine",
    "$swift_lib_version",
    "$timezone",
    "$transactions",
    "$watch_model",
    "$wifi",
    "Experiment name",
    "Variant name",
    "current_domain",
    "current_page_title",
    "current_url_path",
    "current_url_protocol",
    "current_url_search",
    "mp_browser",
    "mp_country_code",
    "mp_keyword",
    "mp_lib",
    "mp_page",
    "mp_platform",
    "mp_referrer",
    "mp_sent_by_lib_version",
    "utm_campaign",
    "utm_campaign_id",
    "utm_content",
    "utm_creative_format",
    "utm_id",
    "utm_marketing_tactic",
    "utm_medium",
    "utm_source",
    "utm_source_platform",
    "utm_term",
};
static_assert(std::is_sorted(std::begin(kStandard), std::end(kStandard)));

template <typename F>
void ForEachRule(const F& f) {
  for (const std::span<const ValueRule> rules : {GeneralRules(), VendorKeyRules()}) {
    for (const ValueRule& rule : rules) f(rule);
  }
}

const std::set<std::string_view>& PersonalKindSet() {
  static const std::set<std::string_view> kinds = [] {
    std::set<std::string_view> personal;
    ForEachRule([&](const ValueRule& rule) {
      if (rule.action == Action::kTokenAndSeal) personal.insert(rule.kind);
    });
    ForEachRule([&](const ValueRule& rule) {
      if (rule.action == Action::kRedact) personal.erase(rule.kind);
    });
    return personal;
  }();
  return kinds;
}

}  // namespace

Weakening WeakeningOf(const NameDecision& standard, Action action) {
  if (standard.action == Action::kRedact) {
    return action == Action::kRedact || action == Action::kDrop ? Weakening::kNone
                                                                : Weakening::kOfSecret;
  }
  // Coarse is what these are by default.
  const bool coarse = standard.value_class == ValueClass::kUserAgent ||
                      standard.value_class == ValueClass::kCoordinate;
  const Action usual =
      standard.action == Action::kKeep && coarse ? Action::kCoarsen : standard.action;
  return IsWeaker(action, usual) ? Weakening::kOfPersonal : Weakening::kNone;
}

Weakening WeakeningOf(const PolicyRule& rule) {
  if (rule.by == PolicyRule::By::kGlob) return Weakening::kNone;
  std::string_view name = rule.pattern;
  if (rule.by == PolicyRule::By::kPath) {
    while (name.ends_with("[]")) name.remove_suffix(2);
    name = name.substr(name.rfind('.') + 1);
  }
  Weakening worst = Weakening::kNone;
  for (const bool profile : {false, true}) {
    if (profile && rule.on == PolicyRule::On::kEvents) continue;
    if (!profile && rule.on == PolicyRule::On::kProfiles) continue;
    worst = std::max(worst, WeakeningOf(DecideByName(name, profile), rule.action));
  }
  return worst;
}

bool IsPersonalKind(std::string_view kind) { return PersonalKindSet().contains(kind); }

std::string PersonalKinds() {
  std::string all;
  for (const std::string_view kind : PersonalKindSet()) {
    all.append(all.empty() ? "" : ", ").append(kind);
  }
  return all;
}

std::string_view KindOfRule(std::string_view rule) {
  if (rule.starts_with(kNameRulePrefix)) return rule.substr(kNameRulePrefix.size());
  std::string_view kind;
  ForEachRule([&](const ValueRule& known) {
    if (rule == known.id) kind = known.kind;
  });
  return kind;
}

bool IsStandardProperty(std::string_view name) {
  return std::binary_search(std::begin(kStandard), std::end(kStandard), name);
}

}  // namespace bulkhead
