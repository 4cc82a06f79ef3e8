#include "main/notice_commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

#include "base/base64.h"
#include "incident/calendar.h"
#include "incident/incident_record.h"
#include "incident/mail_message.h"
#include "incident/notice_round.h"
#include "incident/phishing_risk.h"
#include "main/audit_commands.h"
#include "main/incident_ask.h"
#include "main/secret_line.h"
#include "vault/email.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxLineBytes = 64UL * 1024;
constexpr std::string_view kEmailField = "$email";

Result<ServerAnswer> Ask(const ReachedServer& server, const IncidentAsk& ask) {
  return AskDesk(server, "notice", ask);
}

Result<ServerAnswer> Ask(const NoticeCommand& command, const IncidentAsk& ask) {
  const Result<ReachedServer> server = ReachedServer::Reach(DataDirectory(command.dir));
  return server ? Ask(*server, ask) : server.error();
}

// Reads what `vault export collect` wrote and hands its addresses over, page by page.
class AddressBringer {
 public:
  AddressBringer(const ReachedServer& server, const std::string& id) : server_(server), id_(id) {}

  // The lines of one subject follow one another.
  Result<void> TakeLine(const std::string& line) {
    simdjson::dom::element object;
    if (parser_.parse(line).get(object) != simdjson::SUCCESS) {
      return Error{ErrorCode::kInvalid, "not a line of `vault export collect`"};
    }
    const bool current = FlagMember(object, "current");
    const bool former = FlagMember(object, "from_profile") && !current;
    if (TextMember(object, "field") != kEmailField || former) return {};
    const std::optional<SubjectId> subject = SubjectId::FromHex(TextMember(object, "subject"));
    if (!subject) {
      return Error{ErrorCode::kInvalid, "a line without a subject"};
    }
    std::optional<std::string> address = NormaliseEmail(TextMember(object, "value"));
    if (!address || !IsMailAddress(*address)) {
      ++unusable_;
      return {};
    }
    const int64_t rank = current ? INT64_MAX : NumberMember(object, "last_seen_ms");
    if (!page_.empty() && page_.back().subject == *subject) {
      if (rank > rank_) page_.back().address = *std::move(address);
      rank_ = std::max(rank, rank_);
      return {};
    }
    const Result<void> handed = page_.size() < kMaxPageAddresses ? Result<void>() : HandOver();
    page_.push_back({*subject, *std::move(address)});
    rank_ = rank;
    return handed;
  }

  Result<void> HandOver() {
    if (page_.empty() && !first_) return {};
    IncidentAsk ask{
        "addresses", {{"id", id_}, {"page", Base64Encode(EncodeAddressPage(page_))}}, {}, {}};
    if (first_) ask.flags.push_back("first");
    const Result<ServerAnswer> answer = Ask(server_, ask);
    if (!answer) {
      return answer.error();
    }
    first_ = false;
    page_.clear();
    return {};
  }
  [[nodiscard]] uint64_t unusable() const { return unusable_; }

 private:
  const ReachedServer& server_;
  const std::string& id_;
  simdjson::dom::parser parser_;
  std::vector<SubjectAddress> page_;
  int64_t rank_ = 0;  // of the last one's address: the profile's present one is best
  uint64_t unusable_ = 0;
  bool first_ = true;
};

Result<void> BringAddresses(const ReachedServer& server, const NoticeCommand& command) {
  std::ifstream file(command.addresses_file);
  if (!file) {
    return Error{ErrorCode::kNotFound, "cannot read " + command.addresses_file};
  }
  AddressBringer bringer(server, command.id);
  uint64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.size() > kMaxLineBytes) {
      return Error{ErrorCode::kInvalid,
                   fmt::format("{}:{}: longer than 64 KiB", command.addresses_file, number)};
    }
    if (line.empty()) continue;
    if (const Result<void> taken = bringer.TakeLine(line); !taken) {
      return Error{taken.error().code,
                   fmt::format("{}:{}: {}", command.addresses_file, number, taken.error().message)};
    }
  }
  if (const Result<void> done = bringer.HandOver(); !done) {
    return done;
  }
  if (bringer.unusable() > 0) {
    fmt::print(stderr, "{} values of the file are no addresses that mail goes to\n",
               bringer.unusable());
  }
  return {};
}

std::string Bands(const simdjson::dom::element& answer) {
  std::string text;
  uint8_t band = 0;
  for (const simdjson::dom::element count : ListMember(answer, "bands")) {
    uint64_t number = 0;
    if (count.get(number) != simdjson::SUCCESS || band >= kRiskBands) break;
    text = fmt::format("{} {}{}{}", number, RiskBandName(static_cast<RiskBand>(band++)),
                       text.empty() ? "" : ", ", text);
  }
  return text;
}

void PrintSending(const simdjson::dom::element& root, const NoticeCommand& command) {
  fmt::print("version {}: {} subjects, of whom {} were told or wait already\n",
             NumberMember(root, "version"), NumberMember(root, "subjects"),
             NumberMember(root, "covered"));
  fmt::print("still to tell, by risk: {}\n", Bands(root));
  fmt::print("recipients {}, without an address {}\n", NumberMember(root, "recipients"),
             NumberMember(root, "without_address"));
  if (const int64_t rest = NumberMember(root, "not_revealed"); rest != 0) {
    fmt::print("{} {}\n", rest,
               command.dry_run ? "addresses are not looked up in a dry run"
                               : "are beyond what the vault reveals in a day: bring its export "
                                 "(--addresses), or send again tomorrow");
  }
  for (const simdjson::dom::element fact : ListMember(root, "lacks")) {
    std::string_view text;
    if (fact.get(text) == simdjson::SUCCESS) fmt::print("the notice lacks: {}\n", text);
  }
  if (const int64_t sending = NumberMember(root, "sending"); sending != 0) {
    fmt::print("sending {} begins; audit log entry {}\n", sending, NumberMember(root, "entry"));
  } else {
    fmt::print("nothing is sent\n");
  }
}

}  // namespace

Result<void> CommandIncidentSend(const NoticeCommand& command) {
  const Result<ReachedServer> server = ReachedServer::Reach(DataDirectory(command.dir));
  if (!server) {
    return server.error();
  }
  if (!command.addresses_file.empty()) {
    if (const Result<void> brought = BringAddresses(*server, command); !brought) {
      return brought;
    }
  }
  IncidentAsk ask{"send", {{"id", command.id}}, {}, {}};
  if (command.dry_run) ask.flags.push_back("dry_run");
  if (command.incomplete) ask.flags.push_back("incomplete");
  if (command.refused) ask.flags.push_back("refused");
  const Result<ServerAnswer> answer = Ask(*server, ask);
  if (!answer) {
    return answer.error();
  }
  if (!command.example_file.empty()) {
    const Result<std::string> example = AnswerBytes(answer->root(), "example");
    const Result<void> written =
        example ? RealFileSystem().WriteFileAtomically(command.example_file, *example)
                : Result<void>(example.error());
    if (!written) {
      return written;
    }
  }
  if (command.json) {
    fmt::print("{}\n", simdjson::to_string(answer->root()));
  } else {
    PrintSending(answer->root(), command);
  }
  return {};
}

Result<void> CommandIncidentSending(const NoticeCommand& command) {
  IncidentAsk ask{"progress", {{"id", command.id}}, {}, {}};
  if (command.undelivered) ask.flags.push_back("undelivered");
  const Result<ServerAnswer> answer = Ask(command, ask);
  if (!answer) {
    return answer.error();
  }
  if (command.json) {
    fmt::print("{}\n", simdjson::to_string(answer->root()));
    return {};
  }
  for (const simdjson::dom::element one : ListMember(answer->root(), "sendings")) {
    fmt::print("sending {} of version {}, {}: audit log entry {}\n", NumberMember(one, "sending"),
               NumberMember(one, "version"), FormatTime(NumberMember(one, "made_ms")),
               NumberMember(one, "entry"));
    fmt::print("  told {}, waiting {}, refused {}, erased since {}\n", NumberMember(one, "told"),
               NumberMember(one, "waiting"), NumberMember(one, "refused"),
               NumberMember(one, "erased"));
    fmt::print("  without an address {}, beyond the day's budget {}\n",
               NumberMember(one, "without_address"), NumberMember(one, "not_revealed"));
  }
  for (const simdjson::dom::element one : ListMember(answer->root(), "undelivered")) {
    fmt::print("  undelivered {} {}\n", TextMember(one, "subject"), NumberMember(one, "code"));
  }
  if (const std::string trouble = TextMember(answer->root(), "trouble"); !trouble.empty()) {
    fmt::print("WAITS: {}\n", trouble);
  }
  return {};
}

Result<void> CommandIncidentProof(const NoticeCommand& command) {
  std::string address;
  if (command.address_file == "-") {
    std::getline(std::cin, address);
  } else {
    std::ifstream file(command.address_file);
    std::getline(file, address);
  }
  const Result<ServerAnswer> answer =
      Ask(command, {"proof", {{"id", command.id}, {"address", address}}, {}, {}});
  Wipe(&address);
  if (!answer) {
    return answer.error();
  }
  fmt::print("{}\n", simdjson::to_string(answer->root()));
  AuditCommand receipt;
  receipt.dir = command.dir;
  receipt.index = static_cast<uint64_t>(NumberMember(answer->root(), "entry"));
  receipt.out_file = command.out;
  return CommandAuditReceipt(receipt);
}

Result<void> CommandIncidentDkim(const NoticeCommand& command) {
  const Result<ServerAnswer> answer =
      Ask(command, {"records", {{"domain", command.domain}}, {}, {}});
  if (!answer) {
    return answer.error();
  }
  for (const simdjson::dom::element one : ListOf(answer->root())) {
    fmt::print("key {}\n{} TXT {}\n", NumberMember(one, "key"), TextMember(one, "name"),
               TextMember(one, "record"));
  }
  return {};
}

Result<void> CommandIncidentRelayCredential(const NoticeCommand& command) {
  Result<std::string> credential = ReadCredential();
  if (!credential) {
    return credential.error();
  }
  const bool empty = credential->empty();
  const Result<ServerAnswer> answer =
      Ask(command, {"credential", {{"credential", *credential}}, {}, {}});
  Wipe(&*credential);
  if (!answer) {
    return answer.error();
  }
  fmt::print("{}\n", empty ? "the relay has no password any more" : "the relay has a password");
  return {};
}

}  // namespace bulkhead
