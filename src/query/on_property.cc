#include "query/on_property.h"

#include <memory>

namespace bulkhead {

bool ReadsOneProperty(const Expression& on) {
  return EventProperties(on).size() + UserProperties(on).size() == 1 && EventFields(on).empty();
}

Result<PropertyRef> OnProperty(const Expression& on) {
  if (!ReadsOneProperty(on)) {
    return Error{ErrorCode::kInvalid, "on: an expression over exactly one property expected"};
  }
  const std::vector<std::string> events = EventProperties(on);
  PropertyRef property;
  property.of_user = events.empty();
  property.name = events.empty() ? UserProperties(on)[0] : events[0];
  if (on.op != ExpressionOp::kEventProperty && on.op != ExpressionOp::kUserProperty) {
    property.through = std::make_shared<const Expression>(on);
  }
  return property;
}

Result<PropertyRef> OnText(const Expression& on, ListText lists) {
  Result<PropertyRef> property = OnProperty(on);
  if (!property) {
    return property;
  }
  Expression text;
  text.op = lists == ListText::kWhole ? ExpressionOp::kText : ExpressionOp::kTexts;
  text.children.push_back(on);
  property->through = std::make_shared<const Expression>(std::move(text));
  return property;
}

}  // namespace bulkhead
