#include <algorithm>

#include "base/toml_reader.h"
#include "incident/vendor_register.h"
#include "sieve/policy_words.h"

namespace bulkhead {
namespace {

constexpr int64_t kSchema = 1;
constexpr size_t kMaxVendors = 1000;
constexpr size_t kMaxEntries = 1000;
constexpr size_t kMaxAnswerBytes = 4096;
constexpr int64_t kMaxHours = 24L * 366;
constexpr int64_t kMaxDays = 3660;

class RegisterReader : private TomlReader {
 public:
  using TomlReader::errors;
  using TomlReader::Parse;
  explicit RegisterReader(std::string_view file) : TomlReader(file) {}

  Result<VendorRegister> Read(const toml::table& root) {
    TomlSection top(root, "");
    Schema(&top, kSchema);
    VendorRegister vendors;
    if (const toml::table* table = TableAt(&top, "vendor")) {
      if (table->size() > kMaxVendors) {
        Fail(LineOf(*table), "vendor", "more than " + std::to_string(kMaxVendors) + " vendors");
      } else {
        ReadVendors(*table, &vendors);
      }
    }
    Finish(top);
    if (errors().empty()) return vendors;
    return Error{ErrorCode::kInvalid, errors()};
  }

 private:
  void ReadVendors(const toml::table& table, VendorRegister* vendors) {
    for (auto&& [key, node] : table) {
      const std::string name(key.str());
      const toml::table* entry = node.as_table();
      if (!IsPolicyName(name)) {
        Fail(key.source().begin.line, "vendor",
             "a name expected as its key: letters, digits, '-', '_', '.'");
      } else if (entry == nullptr) {
        Fail(key.source().begin.line, "vendor." + name, "a table expected");
      } else {
        TomlSection section(*entry, "vendor." + name);
        (*vendors)[name] = ReadVendor(&section);
        Finish(section);
      }
    }
  }

  RegisteredVendor ReadVendor(TomlSection* section) {
    RegisteredVendor vendor;
    vendor.contract = Text(section, "contract");
    vendor.signed_on = Day(section, "signed");
    vendor.ends_on = Day(section, "ends");
    if (vendor.signed_on && vendor.ends_on && *vendor.ends_on < *vendor.signed_on) {
      Fail(section->line(), section->PathOf("ends"), "before it was signed");
    }
    vendor.terms = Text(section, "terms");
    if (section->Take("fields") != nullptr) {
      vendor.allowed_fields = Texts(section, "fields", kMaxEntries);
    }
    if (section->Take("promised_hours") != nullptr) {
      vendor.promised_hours =
          static_cast<int>(Number(section, "promised_hours", {0, kMaxHours}, 0));
    }
    vendor.contacts = Texts(section, "contacts", kMaxEntries);
    vendor.sub_processors = Texts(section, "sub_processors", kMaxEntries);
    vendor.review_days =
        static_cast<int>(Number(section, "review_days", {1, kMaxDays}, vendor.review_days));
    vendor.exit_drill_days =
        static_cast<int>(Number(section, "exit_drill_days", {1, kMaxDays}, vendor.exit_drill_days));
    vendor.exit_drill = Day(section, "exit_drill");
    vendor.disclosure_record = Text(section, "disclosure_record");
    ReadHistory(section, &vendor);
    return vendor;
  }

  void ReadHistory(TomlSection* section, RegisteredVendor* vendor) {
    ForEachTable(section, "review", kMaxEntries, [&](TomlSection* entry) {
      VendorReview review;
      const auto date = Day(entry, "date");
      if (entry->Take("date") == nullptr) {
        Fail(entry->line(), entry->PathOf("date"), "missing");
      }
      review.date = date.value_or(std::chrono::sys_days());
      review.by = Needed(entry, "by");
      review.outcome = Needed(entry, "outcome");
      vendor->reviews.push_back(std::move(review));
    });
    std::ranges::stable_sort(vendor->reviews, {}, &VendorReview::date);
    ForEachTable(section, "answer", kMaxEntries, [&](TomlSection* entry) {
      VendorAnswer& answer = vendor->answers.emplace_back();
      answer.question = Needed(entry, "question");
      answer.answer = Needed(entry, "answer");
      answer.date = Day(entry, "date");
    });
  }

  std::string Needed(TomlSection* entry, std::string_view key) {
    if (entry->Take(key) == nullptr) {
      Fail(entry->line(), entry->PathOf(key), "missing");
    }
    return Text(entry, key, kMaxAnswerBytes);
  }
};

}  // namespace

Result<VendorRegister> ParseVendorRegister(std::string_view toml, std::string_view file) {
  RegisterReader reader(file);
  const std::optional<toml::table> root = reader.Parse(toml, kMaxRegisterBytes);
  if (!root) return Error{ErrorCode::kInvalid, reader.errors()};
  return reader.Read(*root);
}

}  // namespace bulkhead
