#include "sieve/name_rules.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <unordered_map>

namespace bulkhead {
namespace {

struct Entry {
  const char* names;  // separated by spaces, normalised
  Action action;
  const char* kind;
  bool as_suffix;  // also as the last words of a longer name: billing_email
};

// The words of docs/policy.md; the order does not matter.
constexpr Entry kEntries[] = {
    {"email e_mail mail email_address e_mail_address mail_address emailaddress", Action::kSeal,
     "email", true},
    {"first_name last_name full_name middle_name given_name family_name sur_name surname firstname "
     "lastname "
     "fullname display_name nick_name nickname maiden_name contact_name customer_name person_name "
     "legal_name "
     "cardholder_name card_holder_name holder_name real_name",
     Action::kSeal, "name", true},
    {"user_name username login_name", Action::kSeal, "username", true},
    {"phone phone_number telephone telephone_number mobile_number mobile_phone cell_phone "
     "cellphone phonenumber msisdn "
     "whatsapp whatsapp_number fax fax_number mobile_no phone_no",
     Action::kSeal, "phone", true},
    {"avatar avatar_url profile_picture profile_photo photo_url", Action::kSeal, "avatar", false},
    {"street street_address postal_address home_address mailing_address billing_address "
     "shipping_address address_line "
     "address_line1 address_line2 address1 address2",
     Action::kSeal, "address", true},
    {"ssn social_security social_security_number social_security_no national_id national_id_number "
     "tax_id passport "
     "passport_number passport_no driver_license drivers_license driver_licence tin nino",
     Action::kSeal, "ssn", true},
    {"dob date_of_birth birth_date birthdate birthday birth_day", Action::kSeal, "dob", true},
    {"iban bank_account bank_account_number account_iban", Action::kSeal, "iban", true},
    {"card_number credit_card credit_card_number creditcard cc_number cardnumber pan debit_card",
     Action::kRedact, "card", true},
    {"cvv cvc cvv2 cvc2 card_cvv card_cvc security_code", Action::kRedact, "card", true},
    {"password passwd pwd pass_word passphrase passcode", Action::kRedact, "password", true},
    {"pass pin pin_code", Action::kRedact, "password", false},
    {"token access_token id_token refresh_token auth_token bearer_token api_token session_token "
     "csrf_token xsrf_token "
     "reset_token invite_token magic_token verification_token confirmation_token oauth_token "
     "device_token push_token "
     "jwt bearer xsrf csrf",
     Action::kRedact, "token", true},
    {"secret client_secret api_secret secret_key private_key signing_key webhook_secret "
     "shared_secret consumer_secret "
     "access_key secret_access_key encryption_key master_key account_key signature x_amz_signature",
     Action::kRedact, "secret", true},
    {"api_key apikey x_api_key auth_key authkey", Action::kRedact, "api_key", true},
    {"authorization authorisation auth proxy_authorization x_authorization", Action::kRedact,
     "authorization", true},
    {"auth_header credential credentials", Action::kRedact, "authorization", true},
    {"cookie cookies set_cookie session_cookie", Action::kRedact, "cookie", true},
    {"sid session_key phpsessid jsessionid connect_sid sessionid session_secret", Action::kRedact,
     "session", false},
    {"otp mfa totp mfa_code otp_code totp_code two_factor_code verification_code recovery_code "
     "backup_code",
     Action::kRedact, "otp", true},
    {"saml_response samlresponse saml_assertion", Action::kRedact, "saml", true},
    {"ip ip_address ipaddress client_ip remote_ip remote_addr user_ip x_forwarded_for x_real_ip "
     "ipv4 ipv6",
     Action::kDrop, "ip", true},
    {"distinct_id user_id userid uid device_id deviceid anon_distinct_id identified_id anon_id "
     "anonymous_id alias "
     "mp_device_id idfa idfv gaid adid aaid advertising_id ios_ifa ios_idfa ios_idfv android_id "
     "imei imsi mac_address "
     "visitor_id mp_distinct_id",
     Action::kToken, "id", false},
    {"gclid fbclid dclid ko_click_id li_fat_id msclkid sccid ttclid twclid wbraid gbraid click_id "
     "yclid igshid mc_eid fbp fbc "
     "epik rdt_cid",
     Action::kToken, "click", true},
};

using Table = std::unordered_map<std::string, const Entry*>;

const Table& EntryTable() {
  static const Table* const table = [] {
    auto* built = new Table;
    for (const Entry& entry : kEntries) {
      std::string_view names = entry.names;
      while (!names.empty()) {
        const size_t space = names.find(' ');
        if (space != 0) built->emplace(std::string(names.substr(0, space)), &entry);
        names = space == std::string_view::npos ? std::string_view() : names.substr(space + 1);
      }
    }
    return built;
  }();
  return *table;
}

const Entry* Lookup(const std::string& name) {
  const Table& table = EntryTable();
  const auto exact = table.find(name);
  if (exact != table.end()) return exact->second;
  // The last one to three words: billing_contact_phone_number.
  for (size_t at = name.find('_'); at != std::string::npos; at = name.find('_', at + 1)) {
    const auto found = table.find(name.substr(at + 1));
    if (found != table.end() && found->second->as_suffix) return found->second;
  }
  return nullptr;
}

bool EndsWithWord(std::string_view name, std::string_view word) {
  return name.ends_with(word) &&
         (name.size() == word.size() || name[name.size() - word.size() - 1] == '_');
}

bool HasWord(std::string_view name, std::string_view word) {
  for (size_t at = name.find(word); at != std::string_view::npos; at = name.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || name[at - 1] == '_') && (end == name.size() || name[end] == '_')) return true;
  }
  return false;
}

ValueClass ClassOf(std::string_view name) {
  if (EndsWithWord(name, "user_agent") || EndsWithWord(name, "useragent") || name == "ua")
    return ValueClass::kUserAgent;
  for (const char* word : {"url", "uri", "href", "referrer", "referer", "link", "url_path",
                           "url_search", "url_hash", "url_query", "query_string", "querystring",
                           "search_params", "landing_page", "location_href"}) {
    if (EndsWithWord(name, word)) return ValueClass::kUrl;
  }
  for (const char* word : {"latitude", "longitude", "lat", "lng", "lon"}) {
    if (EndsWithWord(name, word)) return ValueClass::kCoordinate;
  }
  if (HasWord(name, "version") || HasWord(name, "build") || HasWord(name, "release") ||
      HasWord(name, "firmware")) {
    return ValueClass::kVersion;
  }
  return ValueClass::kText;
}

}  // namespace

std::string NormaliseName(std::string_view name) {
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (is_upper(c)) {
      const bool starts =
          i > 0 && (is_word(name[i - 1]) || (is_upper(name[i - 1]) && i + 1 < name.size() &&
                                             name[i + 1] >= 'a' && name[i + 1] <= 'z'));
      if (starts && !out.empty() && out.back() != '_') out.push_back('_');
      out.push_back(static_cast<char>(c + 32));
    } else if (is_word(c)) {
      out.push_back(c);
    } else if (!out.empty() && out.back() != '_') {
      out.push_back('_');
    }
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

NameDecision DecideByName(std::string_view name, bool profile) {
  const std::string normal = NormaliseName(name);
  NameDecision decision;
  decision.value_class = ClassOf(normal);
  const bool personal_name =
      name == "$name" || name == "$username" || (profile && normal == "name");
  if (personal_name) {
    decision.action = Action::kSeal;
    decision.kind = "name";
    decision.rule = "name:name";
    return decision;
  }
  const Entry* entry = Lookup(normal);
  if (entry == nullptr) {
    // E-Mail and eMail give other words than email; one joined spelling catches them.
    std::string joined;
    for (const char c : normal) {
      if (c != '_') joined.push_back(c);
    }
    const auto found = EntryTable().find(joined);
    if (found != EntryTable().end()) entry = found->second;
  }
  if (entry == nullptr) return decision;
  decision.action = entry->action;
  decision.kind = entry->kind;
  decision.rule = std::string("name:") + entry->kind;
  return decision;
}

bool SaysNothing(const NameDecision& decision, const Value& value) {
  if (value.is_null() || value.is_bool()) return true;
  if (value.is_number()) {
    static constexpr std::string_view kNumeric[] = {"phone",    "ssn", "dob", "iban", "card",
                                                    "password", "otp", "id",  "ip",   "click"};
    const bool numeric =
        std::find(std::begin(kNumeric), std::end(kNumeric), decision.kind) != std::end(kNumeric);
    return !numeric && std::fabs(value.number()) < 1e9;
  }
  if (!value.is_string()) return false;
  static constexpr std::string_view kWords[] = {
      "",         "none",     "null",     "undefined", "n/a",      "oauth",   "oauth2",  "google",
      "github",   "password", "sso",      "saml",      "basic",    "bearer",  "enabled", "disabled",
      "accepted", "declined", "rejected", "email",     "sms",      "totp",    "app",     "true",
      "false",    "yes",      "no",       "required",  "optional", "missing", "invalid", "expired",
      "valid",    "set",      "unset",    "unknown",   "$direct"};
  return std::find(std::begin(kWords), std::end(kWords), value.string()) != std::end(kWords);
}

bool IsPlaceholder(std::string_view text, std::string_view kind) {
  return text.size() > kind.size() + 2 && text.front() == '<' && text.back() == '>' &&
         text.substr(1, kind.size()) == kind && text[kind.size() + 1] == ':' &&
         text.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz", kind.size() + 2) ==
             text.size() - 1;
}

bool IsAnyPlaceholder(std::string_view text) {
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 1 &&
         IsPlaceholder(text, text.substr(1, colon - 1));
}

double CoarseCoordinate(double degrees) { return std::round(degrees * 10) / 10; }

bool IsSensitiveKey(std::string_view name) {
  const std::string normal = NormaliseName(name);
  if (Lookup(normal) != nullptr) return true;
  for (const char* word : {"key",
                           "code",
                           "state",
                           "session",
                           "session_id",
                           "reset",
                           "invite",
                           "magic",
                           "verify",
                           "confirm",
                           "confirmation",
                           "sig",
                           "hash",
                           "ticket",
                           "assertion",
                           "nonce",
                           "name",
                           "x_amz_credential",
                           "x_amz_security_token",
                           "sv",
                           "se",
                           "address",
                           "birth",
                           "mobile",
                           "login",
                           "user"}) {
    if (normal == word) return true;
  }
  return false;
}

}  // namespace bulkhead
