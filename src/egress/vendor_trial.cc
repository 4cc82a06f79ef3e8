#include "egress/vendor_trial.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

namespace bulkhead {
namespace {

std::string_view KindWord(const OutboundField& field) {
  if (field.form == FieldForm::kToken) return "token";
  switch (field.value.kind()) {
    case ValueKind::kNull:
      return "nothing";
    case ValueKind::kBool:
      return "yes or no";
    case ValueKind::kNumber:
      return "number";
    case ValueKind::kString:
      return "text";
    case ValueKind::kList:
      return "list";
    case ValueKind::kObject:
      return "object";
  }
  return "nothing";
}

}  // namespace

void VendorTrial::Take(const Event& event) {
  const std::optional<AllowedMessage> message = AllowEvent(policy_, event, event.person);
  if (!message) {
    ++staying_[event.name];
    return;
  }
  ++sent_;
  ++going_[event.name];
  const bool counts = !message->subject.IsNobody();
  if (counts) {
    subjects_.insert(message->subject);
  }
  for (const OutboundField& field : message->fields) {
    Field& counted = fields_[{field.name, field.form}];
    ++counted.sends;
    if (counts) {
      counted.subjects.insert(message->subject);
    }
  }
  CountShape(*message);
}

void VendorTrial::CountShape(const AllowedMessage& message) {
  std::string shape = message.name + ":";
  for (const OutboundField& field : message.fields) {
    shape += fmt::format("{} {} {} ({})", shape.back() == ':' ? "" : ",", field.name,
                         KindWord(field), FieldFormName(field.form));
  }
  const auto found = shapes_.find(shape);
  if (found != shapes_.end()) {
    ++found->second;
  } else if (shapes_.size() < kMostShapes) {
    shapes_.emplace(std::move(shape), 1);
  }
}

}  // namespace bulkhead
