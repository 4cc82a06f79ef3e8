// Names and values made fit for Google Analytics 4, as its Measurement Protocol's reference limits
// them: it drops silently what is not. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/value.h"

namespace bulkhead {

enum class Ga4Kind : unsigned char { kEvent = 1, kParameter, kUserProperty };

inline constexpr size_t kGa4MostNames = 25;  // parameters of an event, properties of a user

// The longest name of that kind, and the longest text under it, in characters.
size_t Ga4MostNameBytes(Ga4Kind kind);
size_t Ga4MostTextCharacters(Ga4Kind kind);

// Every byte that is no letter, digit or '_' (all ASCII) becomes '_'; what stands before the first
// letter goes; what is too long is cut; a reserved name or prefix gets "x_" before it. Empty: there
// is no letter in it. The same for the same name; two names may become one.
std::string Ga4Name(std::string_view name, Ga4Kind kind);

// A number or a text, which is all it takes, as JSON: truth as text, lists and objects as their
// JSON's text. Text is cut at whole characters. Empty for null.
std::string Ga4Value(const Value& value, Ga4Kind kind);

}  // namespace bulkhead
