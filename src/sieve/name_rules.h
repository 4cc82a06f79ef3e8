// What a property's name alone decides.
#pragma once

#include <string>
#include <string_view>

#include "sieve/sieve.h"

namespace bulkhead {

// How the values of a property that is kept are looked at.
enum class ValueClass : unsigned char {
  kText = 0,
  kUrl,        // an address, a path, a query string, a fragment
  kVersion,    // four numbers with dots are no IP address
  kUserAgent,  // coarsened to family and major version
  kCoordinate  // coarsened to a tenth of a degree
};

struct NameDecision {
  Action action = Action::kKeep;
  ValueClass value_class = ValueClass::kText;
  std::string rule;  // such as "name:email"; empty where nothing is decided
  std::string kind;  // the word in the placeholder: <kind:sealed>
};

// `profile`: a plain "name" is a person's there, while on events it is mostly a thing's.
NameDecision DecideByName(std::string_view name, bool profile);

// Flags, counts and words such as "accepted" under a secret's name are no secrets.
bool SaysNothing(const NameDecision& decision, const Value& value);

// Whether it is `<kind:...>` already: cleaning twice changes nothing.
bool IsPlaceholder(std::string_view text, std::string_view kind);
bool IsAnyPlaceholder(std::string_view text);  // of whatever kind

// To a tenth of a degree.
double CoarseCoordinate(double degrees);

// "userEmail-Address" -> "user_email_address": so that spellings agree.
std::string NormaliseName(std::string_view name);

// Keys of queries, cookies and headers whose value is a secret or personal whatever it looks like.
bool IsSensitiveKey(std::string_view name);

}  // namespace bulkhead
