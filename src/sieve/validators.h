// Checks that tell a real secret or identifier from text of the same shape. Pure.
#pragma once

#include <string>
#include <string_view>

namespace bulkhead::validators {

std::string DigitsOf(std::string_view text);
// Luhn, an issuer's prefix, and the length that issuer uses. Separators are ignored.
bool IsCard(std::string_view text);
// Country, its length, and the remainder modulo 97.
bool IsIban(std::string_view text);
// US social security number, area, group and serial rules.
bool IsSsn(std::string_view text);
// International: a known country code and a plausible count of digits.
bool IsInternationalPhone(std::string_view text);
// North American: area code and exchange start with 2 to 9.
bool IsNanpPhone(std::string_view text);
// A national number with a leading zero.
bool IsTrunkPhone(std::string_view text);
// Routable addresses, and those reserved for documentation, which test data uses as if they were.
bool IsPublicIpv4(std::string_view text);
bool IsPublicIpv6(std::string_view text);
// Header and payload are JSON; a lone or cut-off token needs a header that names an algorithm or a
// type.
bool IsJwt(std::string_view text);
// Decodes to user:password.
bool IsBasicCredentials(std::string_view base64);
// Not a file name such as logo@2x.png, nor the git@ of a repository address.
bool IsEmail(std::string_view text);
// Bits per character.
double Entropy(std::string_view text);
bool IsUuid(std::string_view text);
bool IsHex(std::string_view text);
// What may follow the name of a secret: no word, time, version, short number, path or address.
bool IsSecretValue(std::string_view text);
// 2025-11-24T06:15:00[.fraction][Z|+hh:mm], nothing more.
bool IsTimestamp(std::string_view text);
// No word, number or id of common form: long, mixed, high entropy.
bool LooksRandom(std::string_view text);

}  // namespace bulkhead::validators
