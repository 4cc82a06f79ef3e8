// A server's answer to a command, taken apart. What is not there, or of another kind, is empty.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "main/reached_server.h"

namespace bulkhead {

class ServerAnswer {
 public:
  static Result<ServerAnswer> Of(const Result<std::string>& text) {
    if (!text) {
      return text.error();
    }
    ServerAnswer answer;
    answer.parser_ = std::make_unique<simdjson::dom::parser>();
    if (answer.parser_->parse(simdjson::padded_string(*text)).get(answer.root_) !=
        simdjson::SUCCESS) {
      return UnreadableAnswer();
    }
    return answer;
  }
  [[nodiscard]] const simdjson::dom::element& root() const { return root_; }

  static std::string Text(const simdjson::dom::element& object, const char* name) {
    std::string_view text;
    return object[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
  }
  static int64_t Number(const simdjson::dom::element& object, const char* name) {
    int64_t number = 0;
    return object[name].get(number) == simdjson::SUCCESS ? number : 0;
  }
  static bool Flag(const simdjson::dom::element& object, const char* name) {
    bool flag = false;
    return object[name].get(flag) == simdjson::SUCCESS && flag;
  }
  static simdjson::dom::array List(const simdjson::dom::element& element) {
    simdjson::dom::array list;
    return element.get(list) == simdjson::SUCCESS ? list : simdjson::dom::array();
  }

 private:
  std::unique_ptr<simdjson::dom::parser> parser_;
  simdjson::dom::element root_;
};

}  // namespace bulkhead
