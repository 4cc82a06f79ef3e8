#include "main/vendor_register_commands.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/file_system.h"
#include "incident/vendor_register.h"
#include "main/data_directory.h"
#include "main/reached_server.h"
#include "main/vendor_json.h"
#include "main/vendor_measurement.h"
#include "model/people_division.h"
#include "model/policy.h"
#include "model/value.h"
#include "sieve/policy_versions.h"

namespace bulkhead {
namespace {

constexpr int64_t kDayMs = 86'400'000;

Result<VendorRegister> ReadRegister(const std::string& path, const std::string& shown) {
  const Result<std::string> text = RealFileSystem().ReadWhole(path);
  return text ? ParseVendorRegister(*text, shown) : Result<VendorRegister>(text.error());
}

struct Row {
  std::string name;
  const RegisteredVendor* registered = nullptr;
  const VendorPolicy* policy = nullptr;
  const VendorMeasurement* measured = nullptr;
  std::vector<std::string> same_people_as;
  std::vector<std::string> findings;
};

std::vector<std::string> FindingsOf(const Row& row, int64_t now_ms) {
  MeasuredVendor measured;
  if (row.measured != nullptr) {
    for (const VendorMeasurement::Field& field : row.measured->fields) {
      measured.sent_fields.insert(field.field.name);
    }
    measured.epoch_begun_ms = row.measured->epoch_begun_ms;
    measured.sends = static_cast<uint64_t>(row.measured->sends);
    measured.common = row.measured->common;
  }
  return RegisterFindings({row.registered, row.policy,
                           row.measured == nullptr ? nullptr : &measured, row.same_people_as},
                          now_ms);
}

std::vector<Row> RowsOf(const VendorRegister& registered, const Policy& policy,
                        const std::vector<VendorMeasurement>& measured, int64_t now_ms) {
  std::map<std::string, Row> rows;
  for (const auto& [name, vendor] : registered) rows[name].registered = &vendor;
  for (const auto& [name, vendor] : policy.vendors) rows[name].policy = &vendor;
  for (const VendorMeasurement& vendor : measured) rows[vendor.vendor].measured = &vendor;
  std::vector<Row> list;
  for (auto& [name, row] : rows) {
    row.name = name;
    row.same_people_as = GetsSamePeopleAs(policy.vendors, name);
    row.findings = FindingsOf(row, now_ms);
    list.push_back(std::move(row));
  }
  return list;
}

std::string DayText(std::chrono::sys_days day) { return fmt::format("{:%Y-%m-%d}", day); }
std::string DayText(const std::optional<std::chrono::sys_days>& day) {
  return day ? DayText(*day) : "not said";
}
std::string AgeText(int64_t since_ms, int64_t now_ms) {
  return since_ms == 0 ? "none" : fmt::format("{} days old", (now_ms - since_ms) / kDayMs);
}
std::string OrNotSaid(const std::string& text) { return text.empty() ? "not said" : text; }
std::string Listed(const std::vector<std::string>& texts) {
  return texts.empty() ? "not said" : fmt::format("{}", fmt::join(texts, ", "));
}

void PrintRegistered(const RegisteredVendor& vendor, std::chrono::sys_days today) {
  fmt::print("  contract {}, from {} to {}; terms {}\n", OrNotSaid(vendor.contract),
             DayText(vendor.signed_on), DayText(vendor.ends_on), OrNotSaid(vendor.terms));
  fmt::print("  tells of an incident within {}; contacts: {}\n",
             vendor.promised_hours ? fmt::format("{} hours", *vendor.promised_hours) : "no time",
             Listed(vendor.contacts));
  fmt::print("  sub-processors: {}\n", Listed(vendor.sub_processors));
  const std::optional<int> reviewed = DaysSinceReview(vendor, today);
  const std::optional<int> drilled = DaysSinceExitDrill(vendor, today);
  fmt::print("  last review {}, last exit drill {}; {} answers\n",
             reviewed ? fmt::format("{} days ago", *reviewed) : "never",
             drilled ? fmt::format("{} days ago", *drilled) : "never", vendor.answers.size());
}

void PrintMeasured(const VendorMeasurement& vendor, int64_t now_ms) {
  fmt::print("  sent: {} subjects, {} sends, {}\n", vendor.subjects, vendor.sends,
             vendor.first.empty() ? "never" : vendor.first + " to " + vendor.last);
  for (const VendorMeasurement::Field& field : vendor.fields) {
    fmt::print("    {} ({}): {} subjects, {} sends\n", field.field.name,
               FieldFormName(field.field.form), field.subjects, field.sends);
  }
  if (vendor.has_state) {
    fmt::print("  epoch {}, {}, keys of {} epochs; credential {}{}{}\n", vendor.epoch,
               AgeText(vendor.epoch_begun_ms, now_ms), vendor.epoch_keys,
               AgeText(vendor.has_credential ? vendor.credential_set_ms : 0, now_ms),
               vendor.killed ? "; killed" : "", vendor.paused ? "; paused" : "");
  }
}

void Print(const Row& row, int64_t now_ms) {
  fmt::print("{}\n", row.name);
  if (row.registered != nullptr) {
    PrintRegistered(*row.registered, std::chrono::sys_days(std::chrono::days(now_ms / kDayMs)));
  }
  if (row.measured != nullptr) {
    PrintMeasured(*row.measured, now_ms);
  }
  for (const std::string& finding : row.findings) {
    fmt::print("  ! {}\n", finding);
  }
}

std::string JsonNumber(const std::optional<int>& number) {
  return number ? std::to_string(*number) : "null";
}
std::string JsonDay(const std::optional<std::chrono::sys_days>& day) {
  return day ? JsonString(DayText(*day)) : "null";
}

std::string JsonHistory(const RegisteredVendor& vendor) {
  std::string json = R"("reviews":[)";
  for (const VendorReview& review : vendor.reviews) {
    json += fmt::format(R"({}{{"date":"{}","by":{},"outcome":{}}})", json.back() == '[' ? "" : ",",
                        DayText(review.date), JsonString(review.by), JsonString(review.outcome));
  }
  json += R"(],"answers":[)";
  for (const VendorAnswer& answer : vendor.answers) {
    json +=
        fmt::format(R"({}{{"question":{},"answer":{},"date":{}}})", json.back() == '[' ? "" : ",",
                    JsonString(answer.question), JsonString(answer.answer), JsonDay(answer.date));
  }
  return json + "]";
}

std::string JsonOf(const RegisteredVendor* vendor, std::chrono::sys_days today) {
  if (vendor == nullptr) {
    return "null";
  }
  return fmt::format(
      R"({{"contract":{},"signed":{},"ends":{},"terms":{},"fields":{},"promised_hours":{},)"
      R"("contacts":{},"sub_processors":{},"disclosure_record":{},"exit_drill":{},)"
      R"("days_since_review":{},"days_since_exit_drill":{},{}}})",
      JsonString(vendor->contract), JsonDay(vendor->signed_on), JsonDay(vendor->ends_on),
      JsonString(vendor->terms),
      vendor->allowed_fields ? JsonTexts(*vendor->allowed_fields) : "null",
      JsonNumber(vendor->promised_hours), JsonTexts(vendor->contacts),
      JsonTexts(vendor->sub_processors), JsonString(vendor->disclosure_record),
      JsonDay(vendor->exit_drill), JsonNumber(DaysSinceReview(*vendor, today)),
      JsonNumber(DaysSinceExitDrill(*vendor, today)), JsonHistory(*vendor));
}

std::string JsonOf(const VendorMeasurement* vendor) {
  if (vendor == nullptr) {
    return "null";
  }
  std::string json = fmt::format(
      R"({{"subjects":{},"sends":{},"first":{},"last":{},"epoch":{},"epoch_begun_ms":{},)"
      R"("epoch_keys":{},"credential_set_ms":{},"killed":{},"paused":{},"fields":[)",
      vendor->subjects, vendor->sends, JsonString(vendor->first), JsonString(vendor->last),
      vendor->epoch, vendor->epoch_begun_ms, vendor->epoch_keys, vendor->credential_set_ms,
      vendor->killed, vendor->paused);
  for (const VendorMeasurement::Field& field : vendor->fields) {
    json += fmt::format(R"({}{{"name":{},"form":"{}","subjects":{},"sends":{}}})",
                        json.back() == '[' ? "" : ",", JsonString(field.field.name),
                        FieldFormName(field.field.form), field.subjects, field.sends);
  }
  return json + "]}";
}

std::string JsonOf(const std::vector<Row>& rows, int64_t now_ms) {
  const std::chrono::sys_days today{std::chrono::days(now_ms / kDayMs)};
  std::string json = "[";
  for (const Row& row : rows) {
    json += fmt::format(R"({}{{"vendor":{},"in_policy":{},"registered":{},"measured":{},)"
                        R"("findings":{},"same_people_as":{}}})",
                        json.size() > 1 ? "," : "", JsonString(row.name), row.policy != nullptr,
                        JsonOf(row.registered, today), JsonOf(row.measured),
                        JsonTexts(row.findings), JsonTexts(row.same_people_as));
  }
  return json + "]";
}

}  // namespace

Result<void> CommandVendorRegisterCheck(const VendorRegisterCommand& command) {
  const Result<VendorRegister> vendors = ReadRegister(command.file, command.file);
  if (!vendors) {
    return vendors.error();
  }
  fmt::print("{} is a register of {} vendors\n", command.file, vendors->size());
  return {};
}

Result<void> CommandVendorRegister(const VendorRegisterCommand& command) {
  const DataDirectory dir(command.dir);
  const Result<VendorRegister> vendors = RealFileSystem().Exists(dir.VendorRegister())
                                             ? ReadRegister(dir.VendorRegister(), "vendors.toml")
                                             : Result<VendorRegister>(VendorRegister());
  if (!vendors) {
    return vendors.error();
  }
  const Result<std::optional<PolicyInForce>> in_force =
      ReadPolicyInForce(RealFileSystem(), dir.PolicyVersions());
  if (!in_force) {
    return in_force.error();
  }
  const Result<ReachedServer> server = ReachedServer::Reach(dir);
  const Result<std::vector<VendorMeasurement>> measured =
      server ? MeasureVendors(*server) : Result<std::vector<VendorMeasurement>>(server.error());
  if (!measured) {
    return measured.error();
  }
  const Policy policy = *in_force ? (*in_force)->policy : Policy();
  const int64_t now_ms = SystemClock().NowMs();
  std::vector<Row> rows = RowsOf(*vendors, policy, *measured, now_ms);
  if (!command.vendor.empty()) {
    std::erase_if(rows, [&command](const Row& row) { return row.name != command.vendor; });
    if (rows.empty()) {
      return Error{ErrorCode::kNotFound, "neither register, policy nor ledger has that vendor"};
    }
  }
  if (command.json) {
    fmt::print("{}\n", JsonOf(rows, now_ms));
    return {};
  }
  for (const Row& row : rows) {
    Print(row, now_ms);
  }
  return {};
}

}  // namespace bulkhead
