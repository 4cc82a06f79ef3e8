#include "sieve/vendor_policy_parser.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "model/people_division.h"
#include "sieve/policy_words.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxVendors = 100;
constexpr size_t kMaxVendorEvents = 1000;
constexpr size_t kMaxVendorFields = 255;
constexpr size_t kMaxIdentities = 16;
constexpr size_t kMaxShortList = 64;
constexpr size_t kMaxUrlBytes = 2048;
constexpr uint32_t kMaxShares = 100;
constexpr int64_t kMaxCanaries = 1000;
constexpr int64_t kMaxEpochDays = 366;
constexpr int64_t kMaxKeepDays = 36500;

constexpr std::pair<std::string_view, VendorType> kTypes[] = {
    {"mixpanel", VendorType::kMixpanel}, {"amplitude", VendorType::kAmplitude},
    {"posthog", VendorType::kPosthog},   {"segment", VendorType::kSegment},
    {"ga4", VendorType::kGa4},           {"webhook", VendorType::kWebhook},
    {"files", VendorType::kFiles}};

constexpr std::pair<std::string_view, TimePrecision> kPrecisions[] = {
    {"exact", TimePrecision::kExact},
    {"minute", TimePrecision::kMinute},
    {"hour", TimePrecision::kHour},
    {"day", TimePrecision::kDay}};

class VendorReader {
 public:
  explicit VendorReader(TomlReader* reader) : reader_(reader) {}

  VendorPolicy Read(TomlSection* section) {
    VendorPolicy vendor;
    ReadWhere(section, &vendor);
    ReadWhat(section, &vendor);
    ReadCanaries(section, &vendor);
    vendor.paused = reader_->Flag(section, "paused", false);
    vendor.epoch_days =
        static_cast<int>(reader_->Number(section, "epoch_days", {1, kMaxEpochDays}, 90));
    vendor.keep_epoch_days =
        static_cast<int>(reader_->Number(section, "keep_epoch_days", {1, kMaxKeepDays}, 0));
    vendor.time = reader_->Choice(section, "time", kPrecisions, TimePrecision::kDay);
    vendor.share = Share(section);
    vendor.sends_per_second = static_cast<uint32_t>(
        reader_->Number(section, "sends_per_second", {1, 1'000'000}, vendor.sends_per_second));
    vendor.queue_mb = static_cast<uint32_t>(
        reader_->Number(section, "queue_mb", {1, 1'000'000}, vendor.queue_mb));
    vendor.keep_queue_days = static_cast<uint32_t>(
        reader_->Number(section, "keep_queue_days", {1, 90}, vendor.keep_queue_days));
    return vendor;
  }

 private:
  void ReadWhere(TomlSection* section, VendorPolicy* vendor) {
    if (section->Take("type") == nullptr) {
      reader_->Fail(section->line(), section->PathOf("type"), "missing");
    }
    vendor->type = reader_->Choice(section, "type", kTypes, VendorType::kWebhook);
    const int64_t project = reader_->Number(section, "project", {1, UINT32_MAX}, 0);
    if (section->Take("project") == nullptr) {
      reader_->Fail(section->line(), section->PathOf("project"), "missing: a project's number");
    }
    vendor->project = ProjectId{static_cast<uint32_t>(project)};
    reader_->ForEach(
        section, "allow_addresses", kMaxShortList,
        [&](const toml::node& node, const std::string& path) {
          vendor->allow_addresses.push_back(reader_->TextOf(node, path, TomlReader::kMaxTextBytes));
          if (!IsIpAddress(vendor->allow_addresses.back())) {
            reader_->Fail(TomlReader::LineOf(node), path, "an IP address expected, without a port");
          }
        });
    std::ranges::sort(vendor->allow_addresses);
    vendor->url = reader_->Text(section, "url", kMaxUrlBytes);
    CheckUrl(*section, *vendor);
  }

  // "all", or "2/3": the second of three.
  PeopleShare Share(TomlSection* section) {
    const std::string text = reader_->Text(section, "share");
    if (text.empty()) {
      return {};
    }
    if (text == "all") {
      return PeopleShare::All();
    }
    const size_t slash = std::min(text.find('/'), text.size() - 1);
    uint32_t part = 0;
    uint32_t of = 0;
    const bool read = ReadCount(std::string_view(text).substr(0, slash), &part) &&
                      ReadCount(std::string_view(text).substr(slash + 1), &of);
    if (read && part >= 1 && part <= of && of <= kMaxShares) {
      return PeopleShare::Part(part, of);
    }
    reader_->Fail(section->line(), section->PathOf("share"),
                  "all, or PART/PARTS expected, such as 1/2; 100 parts at most");
    return {};
  }

  static bool ReadCount(std::string_view text, uint32_t* count) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *count);
    return error == std::errc() && end == text.data() + text.size() && text.front() != '0';
  }

  void CheckUrl(const TomlSection& section, const VendorPolicy& vendor) {
    if (vendor.type == VendorType::kFiles) {
      if (!vendor.url.empty()) {
        reader_->Fail(section.line(), section.PathOf("url"), "files have none");
      }
      return;
    }
    if (vendor.url.empty()) {
      if (vendor.type == VendorType::kWebhook) {
        reader_->Fail(section.line(), section.PathOf("url"), "missing");
      }
      return;
    }
    if (!IsWebUrl(vendor.url, !vendor.allow_addresses.empty())) {
      reader_->Fail(
          section.line(), section.PathOf("url"),
          "https://HOST/PATH expected; http only with allow_addresses, never a user or a fragment");
    }
  }

  void ReadWhat(TomlSection* section, VendorPolicy* vendor) {
    reader_->ForEachTable(section, "event", kMaxVendorEvents, [&](TomlSection* entry) {
      VendorEvent& event = vendor->events.emplace_back();
      event.event = reader_->Text(entry, "name");
      if (entry->Take("name") == nullptr) {
        reader_->Fail(entry->line(), entry->PathOf("name"), "missing");
      }
      event.fields = Fields(entry);
    });
    if (const toml::table* profile = reader_->TableAt(section, "profile")) {
      TomlSection entry(*profile, section->PathOf("profile"));
      vendor->profile = Fields(&entry);
      reader_->Finish(entry);
    }
    vendor->identities = reader_->Texts(section, "identities", kMaxIdentities);
    vendor->identity_purpose = reader_->Text(section, "identity_purpose");
    if (vendor->identities.empty() == vendor->identity_purpose.empty()) {
      return;
    }
    if (!vendor->identities.empty()) {
      reader_->Fail(
          section->line(), section->PathOf("identity_purpose"),
          "missing: the purpose, of those in vault.conf, for which identifiers go to this vendor");
    } else if (vendor->identities.empty()) {
      reader_->Fail(section->line(), section->PathOf("identity_purpose"), "only beside identities");
    }
  }

  void ReadCanaries(TomlSection* section, VendorPolicy* vendor) {
    vendor->canaries =
        static_cast<uint32_t>(reader_->Number(section, "canaries", {0, kMaxCanaries}, 0));
    vendor->canary_domain = reader_->Text(section, "canary_domain");
    const std::string path = section->PathOf("canary_domain");
    if (!vendor->canary_domain.empty() && !IsDomainName(vendor->canary_domain)) {
      reader_->Fail(section->line(), path, "a domain expected, such as mail.example.net");
    }
    if (vendor->canaries != 0 && !vendor->identities.empty() && vendor->canary_domain.empty()) {
      reader_->Fail(section->line(), path,
                    "missing: whose mail you get, for the addresses of canaries");
    }
  }

  // plain, coarse and token: lists of globs. A property is looked for in token, then coarse, then
  // plain: the stricter form counts.
  std::vector<VendorField> Fields(TomlSection* entry) {
    std::vector<VendorField> fields;
    for (const auto& [key, form] :
         {std::pair{"token", FieldForm::kToken}, std::pair{"coarse", FieldForm::kCoarse},
          std::pair{"plain", FieldForm::kPlain}}) {
      for (std::string& property : reader_->Texts(entry, key, kMaxVendorFields)) {
        fields.push_back({std::move(property), form});
      }
    }
    return fields;
  }

  TomlReader* reader_;
};

}  // namespace

VendorPolicies ReadVendors(const toml::table& vendors, TomlReader* reader) {
  VendorPolicies policies;
  if (vendors.size() > kMaxVendors) {
    reader->Fail(vendors.source().begin.line, "vendor",
                 "more than " + std::to_string(kMaxVendors) + " vendors");
    return policies;
  }
  VendorReader vendor_reader(reader);
  for (auto&& [key, node] : vendors) {
    const std::string name(key.str());
    if (!IsPolicyName(name)) {
      reader->Fail(key.source().begin.line, "vendor",
                   "a name expected as its key: letters, digits, '-', '_', '.'");
    } else if (const toml::table* table = node.as_table()) {
      TomlSection section(*table, "vendor." + name);
      policies[name] = vendor_reader.Read(&section);
      reader->Finish(section);
    } else {
      reader->Fail(key.source().begin.line, "vendor." + name, "a table expected");
    }
  }
  DividePeople(&policies);
  return policies;
}

}  // namespace bulkhead
