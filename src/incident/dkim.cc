#include "incident/dkim.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/base64.h"

namespace bulkhead {
namespace {

constexpr size_t kLineBytes = 72;
constexpr std::string_view kSigned[] = {"from",
                                        "to",
                                        "cc",
                                        "subject",
                                        "date",
                                        "reply-to",
                                        "message-id",
                                        "in-reply-to",
                                        "mime-version",
                                        "content-type",
                                        "content-transfer-encoding",
                                        "list-unsubscribe"};

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view View(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool StaysInItsLine(std::string_view name, std::string_view value) {
  if (name.empty() ||
      !std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7F && c != ':'; })) {
    return false;
  }
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\n' || value[i] == '\0') return false;
    if (value[i] != '\r') continue;
    if (i + 2 >= value.size() || value[i + 1] != '\n' || !IsSpace(value[i + 2])) return false;
    ++i;
  }
  return true;
}

// Fields of these names from the last to the first, and each name once more: nobody can add one.
struct SignedHeaders {
  std::string names;      // "from:from:to"
  std::string canonical;  // each ends in "\r\n"
};

SignedHeaders Collect(const MailMessage& mail) {
  SignedHeaders all;
  for (const std::string_view name : kSigned) {
    for (auto header = mail.headers.rbegin(); header != mail.headers.rend(); ++header) {
      if (Lower(header->first) != name) continue;
      all.names.append(name).append(1, ':');
      all.canonical += RelaxedHeader(header->first, header->second) + "\r\n";
    }
    all.names.append(name).append(1, ':');
  }
  all.names.pop_back();
  return all;
}

std::string FoldedBase64(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t size = std::min(text.size(), kLineBytes);
    out.append(text.substr(0, size));
    text.remove_prefix(size);
    if (!text.empty()) out.append("\r\n\t");
  }
  return out;
}

std::string FoldedNames(std::string_view names) {
  std::string out;
  size_t line = 0;
  while (!names.empty()) {
    const size_t size = std::min(names.find(':'), names.size() - 1) + 1;
    if (line + size > kLineBytes) {
      out.append("\r\n\t");
      line = 0;
    }
    out.append(names.substr(0, size));
    line += size;
    names.remove_prefix(size);
  }
  return out;
}

struct SigningParts {
  std::string_view algorithm, domain, selector;
  int64_t time_s = 0;
};

// The value of the field up to and with "b=".
std::string Unsigned(const SigningParts& parts, const SignedHeaders& headers,
                     std::string_view body_hash) {
  return fmt::format(
      "v=1; a={}; c=relaxed/relaxed;\r\n\td={}; s={}; t={};\r\n\th={};\r\n\tbh={};\r\n\tb=",
      parts.algorithm, parts.domain, parts.selector, parts.time_s, FoldedNames(headers.names),
      body_hash);
}

std::optional<Error> FaultOf(const DkimSigner& signer, const MailMessage& mail) {
  const auto wrong = [](const char* what) {
    return Error{ErrorCode::kInvalid, std::string("mail signature: ") + what};
  };
  if (signer.rsa == nullptr && signer.ed25519 == nullptr) return wrong("no key");
  if (!IsDkimName(signer.domain)) return wrong("the domain is no name");
  if ((signer.rsa != nullptr && !IsDkimName(signer.rsa_selector)) ||
      (signer.ed25519 != nullptr && !IsDkimName(signer.ed25519_selector))) {
    return wrong("the selector is no name");
  }
  size_t senders = 0;
  for (const auto& [name, value] : mail.headers) {
    if (!StaysInItsLine(name, value)) return wrong("a header would break out of its line");
    senders += Lower(name) == "from" ? 1 : 0;
  }
  if (senders != 1) return wrong("exactly one From is needed");
  return std::nullopt;
}

}  // namespace

bool IsDkimName(std::string_view name) {
  return !name.empty() && name.size() <= 253 && name.front() != '.' && name.back() != '.' &&
         name.find("..") == std::string_view::npos && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                  c == '_';
         });
}

std::string RelaxedHeader(std::string_view name, std::string_view value) {
  while (!name.empty() && IsSpace(name.back())) name.remove_suffix(1);
  std::string out = Lower(name) + ":";
  bool space = false;
  bool begun = false;
  for (const char c : value) {
    if (c == '\r' || c == '\n') continue;
    if (IsSpace(c)) {
      space = begun;
      continue;
    }
    if (space) out.push_back(' ');
    out.push_back(c);
    space = false;
    begun = true;
  }
  return out;
}

std::string RelaxedBody(std::string_view body) {
  std::string out;
  size_t empty_lines = 0;
  while (!body.empty()) {
    const size_t end = std::min(body.find("\r\n"), body.size());
    std::string line;
    bool space = false;
    for (const char c : body.substr(0, end)) {
      if (IsSpace(c)) {
        space = true;
        continue;
      }
      if (space) line.push_back(' ');
      line.push_back(c);
      space = false;
    }
    body.remove_prefix(std::min(end + 2, body.size()));
    if (line.empty()) {
      ++empty_lines;
      continue;
    }
    for (; empty_lines > 0; --empty_lines) out += "\r\n";
    out += line + "\r\n";
  }
  return out;
}

Result<MailMessage> SignMail(const DkimSigner& signer, const MailMessage& mail, int64_t time_s) {
  if (const auto fault = FaultOf(signer, mail)) return *fault;
  const SignedHeaders headers = Collect(mail);
  const std::string body_hash = Base64Encode(View(Sha256(RelaxedBody(mail.body))));
  MailMessage out;
  const auto add = [&](const SigningParts& parts, const auto& sign) -> Result<void> {
    const std::string value = Unsigned(parts, headers, body_hash);
    const Result<std::string> signature =
        sign(headers.canonical + RelaxedHeader("dkim-signature", value));
    if (!signature) return signature.error();
    out.headers.emplace_back("DKIM-Signature", value + FoldedBase64(Base64Encode(*signature)));
    return {};
  };
  if (signer.ed25519 != nullptr) {
    const Result<void> added =
        add({"ed25519-sha256", signer.domain, signer.ed25519_selector, time_s},
            [&](std::string_view text) -> Result<std::string> {
              return std::string(View(signer.ed25519->Sign(View(Sha256(text)))));
            });
    if (!added) return added.error();
  }
  if (signer.rsa != nullptr) {
    const Result<void> added = add({"rsa-sha256", signer.domain, signer.rsa_selector, time_s},
                                   [&](std::string_view text) { return signer.rsa->Sign(text); });
    if (!added) return added.error();
  }
  out.headers.insert(out.headers.end(), mail.headers.begin(), mail.headers.end());
  out.body = mail.body;
  return out;
}

Result<std::string> DkimRecord(const RsaKey& key) {
  const Result<std::string> der = key.PublicKey();
  if (!der) return der.error();
  return "v=DKIM1; k=rsa; p=" + Base64Encode(*der);
}

std::string DkimRecord(const SigningKey& key) {
  return "v=DKIM1; k=ed25519; p=" + Base64Encode(View(key.public_key()));
}

}  // namespace bulkhead
