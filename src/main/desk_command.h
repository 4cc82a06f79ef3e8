// A command of the operator's on its way from the supervisor to a desk in egress: who asks, as the
// system says, and the JSON object that they sent.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead {

std::string EncodeDeskCommand(std::string_view actor, std::string_view command);

class DeskCommand {
 public:
  // kInvalid: not what EncodeDeskCommand writes, nobody asks, or no JSON object.
  static Result<DeskCommand> Parse(std::string_view body);

  [[nodiscard]] const std::string& actor() const { return actor_; }
  [[nodiscard]] const std::string& kind() const { return kind_; }
  // Empty, zero and false where it is not there or of another kind.
  [[nodiscard]] std::string Text(const char* name) const;
  [[nodiscard]] uint64_t Number(const char* name) const;
  [[nodiscard]] bool Flag(const char* name) const;

 private:
  DeskCommand() = default;
  std::string actor_, kind_;
  std::unique_ptr<simdjson::dom::parser> parser_;
  simdjson::dom::object root_;
};

}  // namespace bulkhead
