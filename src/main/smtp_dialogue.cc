#include "main/smtp_dialogue.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/address_search.h"

namespace bulkhead {
namespace {

constexpr size_t kMostRecipients = 100;
constexpr size_t kMostTextBytes = 1'000'000;
constexpr size_t kMostCommands = 500;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// Of "MAIL FROM:<somebody@domain>"; empty where there is none.
std::string DomainIn(std::string_view line) {
  const size_t at = line.rfind('@');
  if (at == std::string_view::npos) {
    return {};
  }
  return LowerCase(address_search::DomainAt(line, at + 1));
}

}  // namespace

std::vector<std::string> AddressesIn(std::string_view text,
                                     const std::vector<std::string>& domains) {
  std::vector<std::string> found;
  ForEachAddress(text, domains, [&](std::string_view local_part, size_t domain) {
    std::string address = LowerCase(local_part) + "@" + domains[domain];
    if (found.size() < kMostRecipients && std::ranges::find(found, address) == found.end()) {
      found.push_back(std::move(address));
    }
  });
  return found;
}

std::string SmtpDialogue::Take(std::string_view line) {
  if (in_text_) {
    text_bytes_ += line.size() + 2;
    over_ = text_bytes_ > kMostTextBytes;
    if (over_) return "552 too large\r\n";
    return line == "." ? EndLine("250 taken\r\n") : std::string();
  }
  if (++commands_ > kMostCommands) {
    over_ = true;
    return "421 too many commands\r\n";
  }
  const std::string verb = LowerCase(line.substr(0, 4));
  if (verb == "helo" || verb == "ehlo" || verb == "noop") return "250 ready\r\n";
  if (verb == "rset") {
    recipients_.clear();
    has_sender_ = false;
    return "250 ready\r\n";
  }
  if (verb == "mail") {
    sender_domain_ = DomainIn(line);
    has_sender_ = true;
    return "250 ready\r\n";
  }
  if (verb == "rcpt") return TakeRecipient(line);
  if (verb == "data" && !recipients_.empty()) {
    in_text_ = true;
    text_bytes_ = 0;
    return "354 go on\r\n";
  }
  if (verb == "quit") {
    over_ = true;
    return "221 bye\r\n";
  }
  return verb == "data" ? "503 no recipient\r\n" : "502 not here\r\n";
}

std::string SmtpDialogue::TakeRecipient(std::string_view line) {
  const std::vector<std::string> addresses = AddressesIn(line, domains_);
  if (!has_sender_) return "503 no sender\r\n";
  if (addresses.size() != 1) return "550 not of this domain\r\n";
  if (recipients_.size() >= kMostRecipients) return "452 too many recipients\r\n";
  recipients_.push_back(addresses.front());
  return "250 ready\r\n";
}

std::string SmtpDialogue::EndLine(std::string answer) {
  for (const std::string& recipient : recipients_) {
    each_(recipient, sender_domain_);
  }
  recipients_.clear();
  has_sender_ = false;
  in_text_ = false;
  return answer;
}

}  // namespace bulkhead
