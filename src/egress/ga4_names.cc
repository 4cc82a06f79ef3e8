#include "egress/ga4_names.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace bulkhead {
namespace {

constexpr std::array<std::string_view, 36> kReservedEvents = {
    "ad_activeview",
    "ad_click",
    "ad_exposure",
    "ad_impression",
    "ad_query",
    "ad_reward",
    "adunit_exposure",
    "app_background",
    "app_clear_data",
    "app_exception",
    "app_install",
    "app_remove",
    "app_store_refund",
    "app_store_subscription_cancel",
    "app_store_subscription_convert",
    "app_store_subscription_renew",
    "app_update",
    "app_upgrade",
    "dynamic_link_app_open",
    "dynamic_link_app_update",
    "dynamic_link_first_open",
    "error",
    "firebase_campaign",
    "first_open",
    "first_visit",
    "in_app_purchase",
    "notification_dismiss",
    "notification_foreground",
    "notification_open",
    "notification_receive",
    "notification_send",
    "os_update",
    "screen_view",
    "session_start",
    "user_engagement",
    "profile_update"};  // the last is ours: it carries user properties
constexpr std::array<std::string_view, 5> kReservedUserProperties = {
    "first_open_time", "first_visit_time", "last_deep_link_referrer", "user_id",
    "first_open_after_install"};
// "gtag." cannot be any more once the point is gone.
constexpr std::array<std::string_view, 5> kReservedPrefixes = {"firebase_", "ga_", "google_",
                                                               "gtag_", "query_id"};

bool IsLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool IsWordByte(char c) { return IsLetter(c) || (c >= '0' && c <= '9') || c == '_'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool IsReserved(std::string_view name, Ga4Kind kind) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), Lower);
  const auto is_it = [&](std::string_view reserved) { return reserved == lower; };
  const auto starts = [&](std::string_view prefix) { return lower.starts_with(prefix); };
  return std::ranges::any_of(kReservedPrefixes, starts) ||
         (kind == Ga4Kind::kEvent && std::ranges::any_of(kReservedEvents, is_it)) ||
         (kind == Ga4Kind::kUserProperty && std::ranges::any_of(kReservedUserProperties, is_it));
}

// The start of a text, in whole characters.
std::string_view Cut(std::string_view text, size_t characters) {
  for (size_t i = 0; i < text.size(); ++i) {
    const bool starts_one = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts_one && characters-- == 0) return text.substr(0, i);
  }
  return text;
}

}  // namespace

size_t Ga4MostNameBytes(Ga4Kind kind) { return kind == Ga4Kind::kUserProperty ? 24 : 40; }
size_t Ga4MostTextCharacters(Ga4Kind kind) { return kind == Ga4Kind::kUserProperty ? 36 : 100; }

std::string Ga4Name(std::string_view name, Ga4Kind kind) {
  std::string fit(std::ranges::find_if(name, IsLetter), name.end());
  if (fit.empty()) return fit;
  std::ranges::replace_if(
      fit, [](char c) { return !IsWordByte(c); }, '_');
  fit.resize(std::min(fit.size(), Ga4MostNameBytes(kind)));
  if (IsReserved(fit, kind)) fit.insert(0, "x_");
  fit.resize(std::min(fit.size(), Ga4MostNameBytes(kind)));
  return fit;
}

std::string Ga4Value(const Value& value, Ga4Kind kind) {
  std::string json;
  if (value.is_null() || (value.is_number() && !std::isfinite(value.number()))) return json;
  if (value.is_number()) {
    AppendJsonNumber(value.number(), &json);
  } else {
    const std::string text = value.is_string() ? value.string() : ToJson(value);
    AppendJsonString(Cut(text, Ga4MostTextCharacters(kind)), &json);
  }
  return json;
}

}  // namespace bulkhead
