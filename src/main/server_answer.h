// A server's answer to a command of ReachedServer, taken apart: what is not there reads as empty or
// zero.
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

 private:
  std::unique_ptr<simdjson::dom::parser> parser_;
  simdjson::dom::element root_;
};

inline std::string TextMember(const simdjson::dom::element& object, const char* name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}
inline int64_t NumberMember(const simdjson::dom::element& object, const char* name) {
  int64_t number = 0;
  return object[name].get(number) == simdjson::SUCCESS ? number : 0;
}
inline bool FlagMember(const simdjson::dom::element& object, const char* name) {
  bool flag = false;
  return object[name].get(flag) == simdjson::SUCCESS && flag;
}
inline simdjson::dom::array ListOf(const simdjson::dom::element& element) {
  simdjson::dom::array list;
  return element.get(list) == simdjson::SUCCESS ? list : simdjson::dom::array();
}
inline simdjson::dom::array ListMember(const simdjson::dom::element& object, const char* name) {
  simdjson::dom::element list;
  return object[name].get(list) == simdjson::SUCCESS ? ListOf(list) : simdjson::dom::array();
}

}  // namespace bulkhead
