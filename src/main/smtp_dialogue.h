// What a mail server says that takes mail for a few domains and keeps none: the server's side of
// SMTP (RFC 5321) without sending anything on, for addresses that nobody should know. Bounded;
// pure.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead {

// Addresses of these domains (lower case) in a text, in lower case, without those that stand there
// before; up to a hundred.
std::vector<std::string> AddressesIn(std::string_view text,
                                     const std::vector<std::string>& domains);

class SmtpDialogue {
 public:
  // `each(recipient, sender's domain)`: of a mail that was announced whole; of the sender's address
  // nothing else is kept.
  using EachRecipient =
      std::function<void(const std::string& recipient, const std::string& sender_domain)>;
  SmtpDialogue(std::vector<std::string> domains, EachRecipient each)
      : domains_(std::move(domains)), each_(std::move(each)) {}

  [[nodiscard]] static std::string Greeting() { return "220 ready\r\n"; }
  // The answer to a line without its end; empty: none, as within a mail's text.
  std::string Take(std::string_view line);
  // The connection is to be closed.
  [[nodiscard]] bool over() const { return over_; }

 private:
  std::string TakeRecipient(std::string_view line);
  std::string EndLine(std::string answer);

  std::vector<std::string> domains_;
  EachRecipient each_;
  std::string sender_domain_;
  std::vector<std::string> recipients_;
  bool has_sender_ = false;
  bool in_text_ = false;
  bool over_ = false;
  size_t text_bytes_ = 0;
  size_t commands_ = 0;
};

}  // namespace bulkhead
