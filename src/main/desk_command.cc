#include "main/desk_command.h"

#include "base/byte_codec.h"

namespace bulkhead {

std::string EncodeDeskCommand(std::string_view actor, std::string_view command) {
  std::string body;
  ByteWriter writer(&body);
  writer.String(actor);
  writer.String(command);
  return body;
}

Result<DeskCommand> DeskCommand::Parse(std::string_view body) {
  ByteReader in(body);
  DeskCommand command;
  command.actor_ = in.String();
  const std::string_view text = in.String();
  command.parser_ = std::make_unique<simdjson::dom::parser>();
  if (!in.ok() || !in.AtEnd() || command.actor_.empty() ||
      command.parser_->parse(simdjson::padded_string(text)).get(command.root_) !=
          simdjson::SUCCESS) {
    return Error{ErrorCode::kInvalid, "not a command of an operator"};
  }
  command.kind_ = command.Text("command");
  return command;
}

std::string DeskCommand::Text(const char* name) const {
  std::string_view value;
  return root_[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

uint64_t DeskCommand::Number(const char* name) const {
  uint64_t value = 0;
  return root_[name].get(value) == simdjson::SUCCESS ? value : 0;
}

bool DeskCommand::Flag(const char* name) const {
  bool value = false;
  return root_[name].get(value) == simdjson::SUCCESS && value;
}

}  // namespace bulkhead
