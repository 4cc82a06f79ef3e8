// IncidentDesk: at whom an incident is opened.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/hex.h"
#include "main/desk_answers.h"
#include "main/incident_desk.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxPartyBytes = 200;
constexpr size_t kTokenDigits = 32;
constexpr std::string_view kOfVendor = "vendor:";
constexpr std::string_view kOfAccount = "account:";

// As the audit log takes it.
bool IsName(const std::string& text) {
  return !text.empty() && text.size() <= kMaxPartyBytes &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c != '\x7F' && c != '@'; });
}

bool IsNumber(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// What an SDK sends events with: 32 hexadecimal digits.
bool IsToken(const std::string& text) {
  return text.size() == kTokenDigits &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

Result<void> TakeLeakedFile(const DeskCommand& command, IncidentVersion* version) {
  FoundFile file;
  file.name = command.Text("file");
  if (file.name.empty()) return {};
  const std::optional<std::string> digest = HexDecode(command.Text("sha256"));
  if (!digest || digest->size() != file.sha256.size() || file.name.size() > kMaxPartyBytes ||
      !version->window.epoch) {
    return NotGood("not what a leaked file was found to be");
  }
  std::ranges::copy(*digest, file.sha256.begin());
  for (const auto& [name, count] :
       {std::pair("bytes", &file.bytes), std::pair("records", &file.records),
        std::pair("genuine", &file.genuine_records), std::pair("subjects", &file.subjects),
        std::pair("canaries", &file.canaries)}) {
    *count = command.Number(name);
  }
  version->origin.leaked.push_back(std::move(file));
  return {};
}

}  // namespace

bool IncidentDesk::IsVendor(const std::string& name) const {
  return parts_.gateway->policies().contains(name) ||
         std::ranges::any_of(parts_.gather.ledger->Epochs(),
                             [&](const auto& epoch) { return epoch.first == name; });
}

Result<void> IncidentDesk::TakeVendor(const DeskCommand& command, std::string vendor,
                                      IncidentVersion* version) const {
  if (!IsVendor(vendor)) {
    return Error{ErrorCode::kNotFound, "neither the policy nor the ledger has such a vendor"};
  }
  version->window.vendor = std::move(vendor);
  if (const uint64_t epoch = command.Number("epoch"); epoch != 0) {
    version->window.epoch = static_cast<uint32_t>(epoch);
  }
  return TakeLeakedFile(command, version);
}

// A credential is that of a vendor, whose thief reads what the vendor has, or of a service account,
// whose thief was shown what the account was.
Result<void> IncidentDesk::TakeCredential(const DeskCommand& command, std::string name,
                                          IncidentVersion* version) const {
  if (IsToken(name)) {
    return NotGood(
        "a project's token is public and can only write: nobody can read anything with it");
  }
  version->origin.kind = IncidentKind::kCredential;
  if (name.starts_with(kOfVendor)) {
    return TakeVendor(command, name.substr(kOfVendor.size()), version);
  }
  const bool named = name.starts_with(kOfAccount);
  if (!named && IsVendor(name)) {
    return NotGood(
        "that is a vendor's name: say vendor:NAME, or account:NAME for a service "
        "account of the same name");
  }
  if (named) name.erase(0, kOfAccount.size());
  version->origin.party = std::move(name);
  return IsName(version->origin.party) ? Result<void>() : NotGood("not the name of an account");
}

Result<void> IncidentDesk::TakeParty(const DeskCommand& command, IncidentVersion* version) const {
  const std::string kind = command.Text("kind");
  std::string party = command.Text("party");
  if (kind.empty() || kind == IncidentKindName(IncidentKind::kVendor)) {
    return TakeVendor(command, command.Text("vendor"), version);
  }
  if (kind == IncidentKindName(IncidentKind::kCredential)) {
    return TakeCredential(command, std::move(party), version);
  }
  if (!IsName(party)) {
    return NotGood("not a name that the audit log can have");
  }
  if (kind == IncidentKindName(IncidentKind::kMember)) {
    version->origin.kind = IncidentKind::kMember;
  } else if (kind == IncidentKindName(IncidentKind::kExport)) {
    version->origin.kind = IncidentKind::kExport;
    if (IsNumber(party)) party.insert(0, "entry ");
  } else if (kind == IncidentKindName(IncidentKind::kOurselves) && IsPartOfOurselves(party)) {
    version->origin.kind = IncidentKind::kOurselves;
  } else {
    return NotGood("this server does not know incidents of that kind");
  }
  version->origin.party = std::move(party);
  return {};
}

}  // namespace bulkhead
