#include "wire/form_parser.h"

#include "base/percent.h"

namespace bulkhead {
namespace {
constexpr size_t kMaxFields = 256;
}  // namespace

const std::string* FormFields::Find(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string* FormFields::Find(std::string_view name) {
  for (auto& [key, value] : fields) {
    if (key == name) return &value;
  }
  return nullptr;
}

FormFields ParseForm(std::string_view text) {
  FormFields form;
  while (!text.empty() && form.fields.size() < kMaxFields) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    std::string name = PercentDecode(pair.substr(0, equals), true);
    std::string value = equals == std::string_view::npos
                            ? std::string()
                            : PercentDecode(pair.substr(equals + 1), true);
    form.fields.emplace_back(std::move(name), std::move(value));
  }
  return form;
}

}  // namespace bulkhead
