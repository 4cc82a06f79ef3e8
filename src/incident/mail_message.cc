#include "incident/mail_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/base64.h"
#include "base/hex.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr size_t kLineBytes = 76;
constexpr std::string_view kWordBegin = "=?utf-8?B?";
constexpr std::string_view kWordEnd = "?=";
constexpr size_t kBoundaryBytes = 32;
constexpr size_t kWordBytes = 75;  // RFC 2047, section 2

bool IsPlainAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

bool IsAtomText(std::string_view text) {
  return !text.empty() && text.size() <= 254 && std::ranges::all_of(text, [](char c) {
    return c > 0x20 && c < 0x7F &&
           std::string_view("\"()<>,;:\\[]").find(c) == std::string_view::npos;
  });
}

// The first `most` bytes or fewer, so that no character is cut; a byte at least.
size_t WholeCharacters(std::string_view text, size_t most) {
  if (text.size() <= most) return text.size();
  size_t end = most;
  while (end > 1 && (static_cast<uint8_t>(text[end]) & 0xC0U) == 0x80U) --end;
  return end;
}

std::string Base64Lines(std::string_view bytes) {
  const std::string encoded = Base64Encode(bytes);
  std::string lines;
  for (size_t at = 0; at < encoded.size(); at += kLineBytes) {
    lines.append(encoded, at, kLineBytes).append("\r\n");
  }
  return lines;
}

std::string MailDate(int64_t time_ms) {
  using std::chrono::days;
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(time_ms)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format(
      "{}, {:02} {} {} {:02}:{:02}:{:02} +0000", kDays[std::chrono::weekday(day).c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
      clock.seconds().count());
}

std::string Part(std::string_view boundary, std::string_view type, std::string_view text) {
  return fmt::format(
      "--{}\r\nContent-Type: {}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
      boundary, type, Base64Lines(text));
}

std::string Mailbox(const MailEnvelope& envelope) {
  if (envelope.from_name.empty()) return envelope.from;
  std::string name = EncodeHeaderText(envelope.from_name, 6);
  if (name == envelope.from_name) {
    std::string quoted = "\"";
    for (const char c : name) {
      if (c == '"' || c == '\\') quoted.push_back('\\');
      quoted.push_back(c);
    }
    name = quoted + "\"";
  }
  return name + "\r\n <" + envelope.from + ">";
}

}  // namespace

bool IsMailAddress(std::string_view text) {
  return IsAtomText(text) && std::ranges::count(text, '@') == 1 && text.front() != '@' &&
         text.back() != '@';
}

std::string EncodeHeaderText(std::string_view text, size_t used) {
  if (IsPlainAscii(text) && text.find("=?") == std::string_view::npos) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const size_t room = std::min(kWordBytes, kLineBytes - std::min(used, kLineBytes - 40)) -
                        kWordBegin.size() - kWordEnd.size();
    const size_t size = WholeCharacters(text, room / 4 * 3);
    if (!out.empty()) out += "\r\n ";
    out.append(kWordBegin).append(Base64Encode(text.substr(0, size))).append(kWordEnd);
    text.remove_prefix(size);
    used = 1;
  }
  return out;
}

Result<MailMessage> ComposeMail(const MailEnvelope& envelope, const Notice& notice) {
  const auto wrong = [](const char* what) {
    return Error{ErrorCode::kInvalid, std::string("mail: ") + what};
  };
  if (!IsMailAddress(envelope.from)) return wrong("the sender is not an address");
  if (!IsMailAddress(envelope.to)) return wrong("the recipient is not an address");
  if (!IsAtomText(envelope.message_id) || envelope.message_id.find('@') != std::string::npos) {
    return wrong("the id has characters that it may not have");
  }
  // From the contents, so that the same notice is the same mail; it cannot stand in base64.
  const std::string boundary =
      "=_" + HexEncode(Sha256(notice.text + notice.html)).substr(0, kBoundaryBytes);
  const std::string domain = envelope.from.substr(envelope.from.find('@') + 1);
  MailMessage mail;
  mail.headers = {
      {"From", Mailbox(envelope)},
      {"To", envelope.to},
      {"Subject", EncodeHeaderText(notice.subject, 9)},
      {"Date", MailDate(envelope.time_ms)},
      {"Message-ID", "<" + envelope.message_id + "@" + domain + ">"},
      {"MIME-Version", "1.0"},
      {"Content-Type", "multipart/alternative;\r\n boundary=\"" + boundary + "\""},
  };
  mail.body = Part(boundary, "text/plain", notice.text) + Part(boundary, "text/html", notice.html) +
              "--" + boundary + "--\r\n";
  return mail;
}

std::string WriteMail(const MailMessage& mail) {
  std::string text;
  for (const auto& [name, value] : mail.headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  return text.append("\r\n").append(mail.body);
}

}  // namespace bulkhead
