#include "main/confinement_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "model/value.h"

namespace bulkhead {
namespace {

struct PartText {
  ConfinementPart part;
  std::string_view name;
  std::string_view lost;  // what an attacker gains where it is missing
};

constexpr std::array kParts = {
    PartText{ConfinementPart::kOwnUser, "own-user",
             "files are closed by Landlock alone; siblings share a user"},
    PartText{ConfinementPart::kNoCapabilities, "no-capabilities", "parts of root's power"},
    PartText{ConfinementPart::kNoNewPrivileges, "no-new-privileges", "set-uid programs"},
    PartText{ConfinementPart::kNotDumpable, "not-dumpable", "its memory, to others of its user"},
    PartText{ConfinementPart::kDescriptorsClosed, "descriptors-closed", "what was left open"},
    PartText{ConfinementPart::kLandlockFiles, "landlock-files",
             "every file that its user may open; with a shared user, other compartments' too"},
    PartText{ConfinementPart::kLandlockTruncate, "landlock-truncate",
             "nothing while seccomp is in force; else emptying files that its user owns"},
    PartText{ConfinementPart::kLandlockTcp, "landlock-tcp",
             "egress may connect to any port; for the others nothing while seccomp is in force"},
    PartText{ConfinementPart::kLandlockDevices, "landlock-devices",
             "nothing while seccomp is in force"},
    PartText{ConfinementPart::kLandlockScopes, "landlock-scopes",
             "nothing while seccomp is in force; else signals and abstract sockets of its user"},
    PartText{ConfinementPart::kSeccomp, "seccomp",
             "the kernel's whole surface, new programs, connections, executable memory"},
    PartText{ConfinementPart::kMemoryLimit, "memory-limit", "all memory of the machine"},
    PartText{ConfinementPart::kThreadLimit, "thread-limit", "threads up to the memory limit"},
    PartText{ConfinementPart::kFileSizeLimit, "file-size-limit", "one file as large as the disk"},
    PartText{ConfinementPart::kDescriptorLimit, "descriptor-limit", "descriptors of the system"},
};

const PartText& TextOf(ConfinementPart part) {
  return *std::find_if(kParts.begin(), kParts.end(),
                       [&](const PartText& text) { return text.part == part; });
}

std::string_view StateName(PartState state) {
  switch (state) {
    case PartState::kInForce:
      return "in force";
    case PartState::kMissing:
      return "MISSING";
    case PartState::kNotAsked:
      break;
  }
  return "not asked for";
}

void AppendMember(std::string_view name, std::string_view text, std::string* json) {
  AppendJsonString(name, json);
  json->push_back(':');
  AppendJsonString(text, json);
}

}  // namespace

std::string_view PartName(ConfinementPart part) { return TextOf(part).name; }

const std::vector<ConfinementPart>& AllParts() {
  static const std::vector<ConfinementPart> all = [] {
    std::vector<ConfinementPart> parts;
    for (const PartText& text : kParts) parts.push_back(text.part);
    return parts;
  }();
  return all;
}

Downgrade Downgrade::Everything() { return {{AllParts().begin(), AllParts().end()}}; }

Result<Downgrade> Downgrade::Parse(std::string_view words) {
  if (words == "all") return Everything();
  Downgrade downgrade;
  while (!words.empty()) {
    const size_t comma = words.find(',');
    const std::string_view word = words.substr(0, comma);
    const auto* const found = std::find_if(kParts.begin(), kParts.end(),
                                           [&](const PartText& text) { return text.name == word; });
    if (found == kParts.end()) {
      return Error{ErrorCode::kInvalid, fmt::format("\"{}\" is no part of the confinement", word)};
    }
    downgrade.parts.insert(found->part);
    words = comma == std::string_view::npos ? std::string_view() : words.substr(comma + 1);
  }
  return downgrade;
}

std::vector<ConfinementPart> ConfinementReport::Missing() const {
  std::vector<ConfinementPart> missing;
  for (const PartReport& entry : parts) {
    if (entry.state == PartState::kMissing) missing.push_back(entry.part);
  }
  return missing;
}

bool ConfinementReport::degraded() const { return parts.empty() || !Missing().empty(); }

std::string DescribeConfinement(const ConfinementReport& report) {
  std::string text =
      fmt::format("{}: {}\n", report.compartment,
                  report.degraded() ? "DEGRADED: it is not confined as it should be" : "confined");
  for (const PartReport& entry : report.parts) {
    fmt::format_to(std::back_inserter(text), "  {:<18} {:<13} {}\n", PartName(entry.part),
                   StateName(entry.state), entry.detail);
    if (entry.state == PartState::kMissing) {
      fmt::format_to(std::back_inserter(text), "  {:<18} {:<13} whoever owns it gains: {}\n", "",
                     "", TextOf(entry.part).lost);
    }
  }
  return text;
}

std::string ConfinementJson(const ConfinementReport& report) {
  std::string json = "{";
  AppendMember("compartment", report.compartment, &json);
  fmt::format_to(std::back_inserter(json),
                 R"(,"degraded":{},"landlock_abi":{},"uid":{},"gid":{},"max_memory_bytes":{},)"
                 R"("max_file_bytes":{},"max_threads":{},"max_descriptors":{},"parts":[)",
                 report.degraded(), report.landlock_abi, report.uid, report.gid,
                 report.max_memory_bytes, report.max_file_bytes, report.max_threads,
                 report.max_descriptors);
  bool first = true;
  for (const PartReport& entry : report.parts) {
    json += first ? "{" : ",{";
    first = false;
    AppendMember("name", PartName(entry.part), &json);
    json.push_back(',');
    AppendMember("state", entry.state == PartState::kMissing ? "missing" : StateName(entry.state),
                 &json);
    json.push_back(',');
    AppendMember("detail", entry.detail, &json);
    json.push_back('}');
  }
  return json + "]}";
}

std::string ConfinementMetrics(const std::vector<ConfinementReport>& reports) {
  std::string text =
      "# HELP bulkhead_confinement_degraded 1 where a part of the compartment's confinement is "
      "missing.\n# TYPE bulkhead_confinement_degraded gauge\n";
  for (const ConfinementReport& report : reports) {
    fmt::format_to(std::back_inserter(text),
                   "bulkhead_confinement_degraded{{compartment=\"{}\"}} {}\n", report.compartment,
                   report.degraded() ? 1 : 0);
  }
  text +=
      "# HELP bulkhead_confinement_part 1 in force, 0 missing; absent where not asked for.\n"
      "# TYPE bulkhead_confinement_part gauge\n";
  for (const ConfinementReport& report : reports) {
    for (const PartReport& entry : report.parts) {
      if (entry.state == PartState::kNotAsked) continue;
      fmt::format_to(std::back_inserter(text),
                     "bulkhead_confinement_part{{compartment=\"{}\",part=\"{}\"}} {}\n",
                     report.compartment, PartName(entry.part),
                     entry.state == PartState::kInForce ? 1 : 0);
    }
  }
  return text;
}

}  // namespace bulkhead
