#include "corpora/shapes.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/base64.h"
#include "base/percent.h"

namespace bulkhead::corpora {
namespace {

constexpr size_t kPieceBytes = 12;

ValueObject Property(const char* name, std::string value) {
  ValueObject properties;
  properties.emplace_back("plan", Value("pro"));
  properties.emplace_back(name, Value(std::move(value)));
  return properties;
}

std::string UrlSafe(std::string text) {
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

std::string JsonIn(const std::string& text) {
  ValueObject object;
  object.emplace_back("v", Value(text));
  return ToJson(Value(std::move(object)));
}

constexpr const char* kPage = "https://app.example.com/projects/overview";
std::string PageWith(const std::string& tail) { return kPage + tail; }

using Coder = std::string (*)(const std::string&);
std::string Percent(const std::string& text) { return PercentEncode(text); }
std::string Base64(const std::string& text) { return Base64Encode(text); }
std::string Address(const std::string& text) {
  return PageWith("?utm_source=a&view=" + PercentEncode(text));
}

struct Coding {
  const char* name;
  Coder code;
};
constexpr Coding kCodings[] = {{"percent", Percent},
                               {"base64", Base64},
                               {"\\u", EscapedAll},
                               {"JSON text", JsonIn},
                               {"URL query", Address}};

template <size_t kOuter, size_t kInner>
ValueObject Both(const Literal&, const std::string& text) {
  return Property("note", kCodings[kOuter].code(kCodings[kInner].code(text)));
}

template <size_t kOuter>
void AddPairs(std::vector<Shape>* shapes) {
  static const std::string names[] = {
      std::string(kCodings[0].name) + " in " + kCodings[kOuter].name,
      std::string(kCodings[1].name) + " in " + kCodings[kOuter].name,
      std::string(kCodings[2].name) + " in " + kCodings[kOuter].name,
      std::string(kCodings[3].name) + " in " + kCodings[kOuter].name,
      std::string(kCodings[4].name) + " in " + kCodings[kOuter].name};
  shapes->push_back({names[0].c_str(), Both<kOuter, 0>});
  shapes->push_back({names[1].c_str(), Both<kOuter, 1>});
  shapes->push_back({names[2].c_str(), Both<kOuter, 2>});
  shapes->push_back({names[3].c_str(), Both<kOuter, 3>});
  shapes->push_back({names[4].c_str(), Both<kOuter, 4>});
}

void AddPlaces(std::vector<Shape>* shapes) {
  shapes->push_back(
      {"value", [](const Literal&, const std::string& text) { return Property("note", text); }});
  shapes->push_back({"URL query, plain name", [](const Literal&, const std::string& text) {
                       return Property("$current_url", PageWith("?tab=2&view=" + Percent(text)));
                     }});
  shapes->push_back({"URL query, telling name", [](const Literal& literal, const std::string&) {
                       return Property("page", PageWith("?token=" + Percent(literal.secret)));
                     }});
  shapes->push_back({"URL fragment", [](const Literal&, const std::string& text) {
                       return Property("$current_url", PageWith("#/show/" + Percent(text)));
                     }});
  shapes->push_back({"referrer", [](const Literal&, const std::string& text) {
                       return Property("$referrer", PageWith("?page=" + Percent(text)));
                     }});
  shapes->push_back({"path segment", [](const Literal&, const std::string& text) {
                       return Property("page", PageWith("/" + Percent(text) + "/edit"));
                     }});
  shapes->push_back({"nested property", [](const Literal&, const std::string& text) {
                       ValueObject item;
                       item.emplace_back("detail", Value(ValueList{Value(1.0), Value(text)}));
                       ValueObject properties;
                       properties.emplace_back("items", Value(ValueList{Value(std::move(item))}));
                       return properties;
                     }});
  shapes->push_back({"telling property", [](const Literal& literal, const std::string&) {
                       return Property(
                           literal.group == Group::kPersonal ? "user_email" : "api_token",
                           literal.secret);
                     }});
  shapes->push_back({"property name", [](const Literal&, const std::string& text) {
                       return Property(text.c_str(), "on");
                     }});
  shapes->push_back({"user agent", [](const Literal&, const std::string& text) {
                       return Property("user_agent", "Mozilla/5.0 (X11; Linux) App/2.1 " + text);
                     }});
}

void AddTexts(std::vector<Shape>* shapes) {
  shapes->push_back({"page title", [](const Literal&, const std::string& text) {
                       return Property("page_title", "Welcome " + text + " | Platform");
                     }});
  shapes->push_back({"sentence", [](const Literal&, const std::string& text) {
                       return Property("error", "The request with " + text + " was refused.");
                     }});
  shapes->push_back({"percent", [](const Literal&, const std::string& text) {
                       return Property("note", Percent(text));
                     }});
  shapes->push_back({"base64", [](const Literal&, const std::string& text) {
                       return Property("note", Base64(text));
                     }});
  shapes->push_back({"base64 url", [](const Literal&, const std::string& text) {
                       return Property("note", UrlSafe(Base64(text)));
                     }});
  shapes->push_back({"\\u escapes", [](const Literal&, const std::string& text) {
                       return Property("note", EscapedAll(text));
                     }});
  shapes->push_back({"JSON text", [](const Literal&, const std::string& text) {
                       return Property("note", JsonIn(text));
                     }});
}

}  // namespace

std::string EscapedAll(const std::string& text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    out += "\\u00";
    out.push_back(kHex[(static_cast<unsigned char>(c) >> 4) & 15]);
    out.push_back(kHex[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

const std::vector<Shape>& Shapes() {
  static const std::vector<Shape> shapes = [] {
    std::vector<Shape> made;
    AddPlaces(&made);
    AddTexts(&made);
    AddPairs<0>(&made);
    AddPairs<1>(&made);
    AddPairs<2>(&made);
    AddPairs<3>(&made);
    AddPairs<4>(&made);
    return made;
  }();
  return shapes;
}

// Inside JSON text a quotation mark or backslash of the form has an escape before it.
void Search::Add(const std::string& form) {
  if (form.empty()) return;
  std::string quoted = ToJson(Value(form));
  quoted = quoted.substr(1, quoted.size() - 2);
  if (quoted != form) forms_.push_back(std::move(quoted));
  forms_.push_back(form);
}

Search::Search(const Literal& literal) {
  Add(literal.secret);
  Add(Percent(literal.secret));
  Add(Base64(literal.secret));
  std::vector<std::string> once = {UrlSafe(Base64(literal.text))};
  for (const Coding& coding : kCodings) once.push_back(coding.code(literal.text));
  for (const std::string& form : once) {
    Add(form);
    for (const Coding& outer : kCodings) Add(outer.code(form));
  }
  // A secret of which only an end went is not gone.
  const std::string& secret = literal.secret;
  for (size_t at = 0; secret.size() >= 2 * kPieceBytes && at + kPieceBytes <= secret.size(); ++at)
    Add(secret.substr(at, kPieceBytes));
}

bool Search::StillHolds(const std::string& cleaned_json) const {
  return std::any_of(forms_.begin(), forms_.end(), [&cleaned_json](const std::string& form) {
    return cleaned_json.find(form) != std::string::npos;
  });
}

}  // namespace bulkhead::corpora
