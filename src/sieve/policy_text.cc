#include "sieve/policy_text.h"

#include <utility>
#include <vector>

#include "base/hex.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

// A basic string of TOML.
void AppendQuoted(std::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  out->push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out->append(1, '\\').append(1, c);
    } else if (byte < 0x20 || byte == 0x7F) {
      out->append("\\u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

class Writer {
 public:
  void Table(std::string_view name) { out_.append("\n[").append(name).append("]\n"); }
  void Entry(std::string_view name) { out_.append("\n[[").append(name).append("]]\n"); }
  void Line(std::string_view key, std::string_view text) {
    Key(key);
    AppendQuoted(text, &out_);
    out_.push_back('\n');
  }
  void LineUnlessEmpty(std::string_view key, std::string_view text) {
    if (!text.empty()) Line(key, text);
  }
  void Number(std::string_view key, uint64_t number) {
    Key(key);
    out_.append(std::to_string(number)).push_back('\n');
  }
  void Flag(std::string_view key, bool flag) {
    Key(key);
    out_.append(flag ? "true\n" : "false\n");
  }
  void List(std::string_view key, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    Key(key);
    out_.push_back('[');
    for (const std::string& text : texts) {
      if (&text != &texts.front()) out_.append(", ");
      AppendQuoted(text, &out_);
    }
    out_.append("]\n");
  }
  [[nodiscard]] std::string Take() { return std::move(out_); }

 private:
  void Key(std::string_view key) { out_.append(key).append(" = "); }
  std::string out_;
};

void WriteRule(const PolicyRule& rule, const std::string& path, Writer* writer) {
  writer->Entry(path + ".rule");
  const char* by = rule.by == PolicyRule::By::kProperty ? "property"
                   : rule.by == PolicyRule::By::kPath   ? "path"
                                                        : "glob";
  writer->Line(by, rule.pattern);
  writer->LineUnlessEmpty("event", rule.event);
  if (rule.event.empty() && rule.on != PolicyRule::On::kBoth) {
    writer->Line("on", rule.on == PolicyRule::On::kEvents ? "events" : "profiles");
  }
  writer->Line("action", ActionName(rule.action));
  writer->LineUnlessEmpty("class", rule.field_class);
  writer->List("allow_plain", rule.allow_plain);
  writer->LineUnlessEmpty("reason", rule.reason);
}

void WriteConsent(const ConsentPolicy& consent, const std::string& path, Writer* writer) {
  if (consent == ConsentPolicy()) return;
  writer->Table(path + ".consent");
  writer->List("opt_out_properties", consent.opt_out_properties);
  writer->Line("opt_out", ConsentAnswerName(consent.opt_out));
  writer->Line("dnt", ConsentAnswerName(consent.do_not_track));
  writer->Line("gpc", ConsentAnswerName(consent.global_privacy_control));
}

void WriteRetention(const RetentionPolicy& retention, const std::string& path, Writer* writer) {
  if (retention == RetentionPolicy()) return;
  writer->Table(path + ".retention");
  if (retention.days != 0) writer->Number("days", static_cast<uint64_t>(retention.days));
  for (const EventRetention& one : retention.events) {
    writer->Entry(path + ".retention.event");
    writer->Line("name", one.event);
    writer->Number("days", static_cast<uint64_t>(one.days));
  }
}

void WriteProject(const ProjectPolicy& project, const std::string& path, Writer* writer) {
  writer->Table(path);
  if (project.allow_list) writer->Line("mode", "allow-list");
  writer->List("allow", project.allow);
  if (!project.allow_standard) writer->Flag("allow_standard", false);
  writer->List("allow_query", project.allow_query);
  if (project.small_count != kDefaultSmallCount) {
    writer->Number("small_count", project.small_count);
  }
  for (const PolicyRule& rule : project.rules) WriteRule(rule, path, writer);
  WriteConsent(project.consent, path, writer);
  WriteRetention(project.retention, path, writer);
  for (const AlertRoute& route : project.alerts) {
    writer->Entry(path + ".alert");
    writer->LineUnlessEmpty("team", route.team);
    if (route.library != "*") writer->Line("library", route.library);
    writer->Line("url", route.url);
    writer->Line("secret", route.secret);
    if (route.only_secrets) writer->Flag("only_secrets", true);
    writer->List("allow_addresses", route.allow_addresses);
  }
}

void WriteFields(const std::vector<VendorField>& fields, Writer* writer) {
  for (const auto& [key, form] :
       {std::pair{"token", FieldForm::kToken}, std::pair{"coarse", FieldForm::kCoarse},
        std::pair{"plain", FieldForm::kPlain}}) {
    std::vector<std::string> properties;
    for (const VendorField& field : fields) {
      if (field.form == form) properties.push_back(field.property);
    }
    writer->List(key, properties);
  }
}

void WriteVendor(const VendorPolicy& vendor, const std::string& path, Writer* writer) {
  writer->Table(path);
  writer->Line("type", VendorTypeName(vendor.type));
  writer->Number("project", vendor.project.value);
  writer->LineUnlessEmpty("url", vendor.url);
  writer->List("allow_addresses", vendor.allow_addresses);
  if (vendor.paused) writer->Flag("paused", true);
  writer->Number("epoch_days", static_cast<uint64_t>(vendor.epoch_days));
  if (vendor.keep_epoch_days != 0) {
    writer->Number("keep_epoch_days", static_cast<uint64_t>(vendor.keep_epoch_days));
  }
  writer->Line("time", TimePrecisionName(vendor.time));
  writer->LineUnlessEmpty("share", vendor.share.Text());
  writer->List("identities", vendor.identities);
  writer->LineUnlessEmpty("identity_purpose", vendor.identity_purpose);
  if (vendor.canaries != 0) writer->Number("canaries", vendor.canaries);
  writer->LineUnlessEmpty("canary_domain", vendor.canary_domain);
  writer->Number("sends_per_second", vendor.sends_per_second);
  writer->Number("queue_mb", vendor.queue_mb);
  writer->Number("keep_queue_days", vendor.keep_queue_days);
  for (const VendorEvent& event : vendor.events) {
    writer->Entry(path + ".event");
    writer->Line("name", event.event);
    WriteFields(event.fields, writer);
  }
  if (!vendor.profile.empty()) {
    writer->Table(path + ".profile");
    WriteFields(vendor.profile, writer);
  }
}

}  // namespace

std::string CanonicalPolicyText(const Policy& policy) {
  Writer writer;
  writer.Number("schema", 1);
  if (policy.everywhere) WriteProject(*policy.everywhere, "everywhere", &writer);
  for (const auto& [id, project] : policy.projects) {
    WriteProject(project, "project." + std::to_string(id.value), &writer);
  }
  for (const auto& [name, vendor] : policy.vendors) {
    WriteVendor(vendor, "vendor.\"" + name + "\"", &writer);
  }
  return writer.Take();
}

std::string PolicyHash(std::string_view canonical_text) {
  return HexEncode(Sha256(canonical_text));
}

}  // namespace bulkhead
