// A notice as a mail: RFC 5322 headers and the text and the HTML as the two faces of one body. Only
// US-ASCII goes over the wire, in lines of at most 78 characters, so that no relay has a reason to
// change a byte, which would break the signature. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "incident/notice.h"

namespace bulkhead {

struct MailMessage {
  // Names and values; a value may go on in further lines, "\r\n" and white space between.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // lines end in "\r\n"
};

struct MailEnvelope {
  std::string from_name;  // UTF-8; may be empty
  std::string from, to;   // addresses
  int64_t time_ms = 0;
  std::string message_id;  // what stands before the '@': letters, digits, '-', '.'
};

// kInvalid: an address or the id has characters that it may not have (white space, quotes, angle
// brackets, controls, anything beyond ASCII).
Result<MailMessage> ComposeMail(const MailEnvelope& envelope, const Notice& notice);

// Whether a mail can go there as ComposeMail writes it: ASCII, without quotes.
bool IsMailAddress(std::string_view text);

// As it goes over the wire, without dot-stuffing.
std::string WriteMail(const MailMessage& mail);

// Text of a header: as it is where it is ASCII, else as encoded words (RFC 2047), each of whole
// characters. `used`: bytes of the line that it follows on.
std::string EncodeHeaderText(std::string_view text, size_t used);

}  // namespace bulkhead
