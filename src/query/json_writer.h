// JSON text, piece by piece.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/report.h"
#include "model/value.h"

namespace bulkhead {

// Builds JSON text; commas take care of themselves.
class Json {
 public:
  Json& Open(char bracket) {
    Separate();
    out_.push_back(bracket);
    fresh_ = true;
    return *this;
  }
  Json& Close(char bracket) {
    out_.push_back(bracket);
    fresh_ = false;
    return *this;
  }
  Json& Key(std::string_view name) {
    Separate();
    AppendJsonString(name, &out_);
    out_.push_back(':');
    fresh_ = true;
    return *this;
  }
  Json& Text(std::string_view text) {
    Separate();
    AppendJsonString(text, &out_);
    return *this;
  }
  Json& Number(double number) {
    Separate();
    if (std::isfinite(number)) {
      AppendJsonNumber(number, &out_);
    } else {
      out_ += "null";
    }
    return *this;
  }
  Json& Number(uint64_t number) {
    return Number(number == kHiddenCount ? kNoValue : static_cast<double>(number));
  }
  Json& Any(const Value& value) {
    Separate();
    AppendJson(value, &out_);
    return *this;
  }
  Json& Object(const ValueObject& object) {
    Open('{');
    for (const auto& [name, value] : object) {
      Key(name).Any(value);
    }
    return Close('}');
  }
  template <typename List>
  Json& Numbers(const List& numbers) {
    Open('[');
    for (const auto number : numbers) {
      Number(number);
    }
    return Close(']');
  }
  Json& Texts(const std::vector<std::string>& texts) {
    Open('[');
    for (const std::string& text : texts) {
      Text(text);
    }
    return Close(']');
  }
  Json& Segment(const std::vector<Value>& segment) {
    Open('[');
    for (const Value& value : segment) {
      Any(value);
    }
    return Close(']');
  }
  Json& Boolean(bool value) {
    Separate();
    out_ += value ? "true" : "false";
    return *this;
  }
  // Beside a segment: "$other" may also be somebody's value.
  void OtherMark(bool is_other) {
    if (is_other) {
      Key("other").Boolean(true);
    }
  }
  std::string Take() { return std::move(out_); }

 private:
  void Separate() {
    if (!fresh_) {
      out_.push_back(',');
    }
    fresh_ = false;
  }

  std::string out_;
  bool fresh_ = true;
};

}  // namespace bulkhead
