// What vendors answer, as far as several of them do it alike. Bytes from the network: anything may
// come. Nothing of an answer's text goes into an outcome but names of fields that are known here.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "egress/destination.h"

namespace bulkhead {

// By the status alone: 2xx taken; 401 and 403 denied; 400, 413 and 422 in halves, until the message
// is alone that is to blame; everything else later, after what Retry-After says.
SendOutcome JudgeStatus(const OutboundReply& reply);

// An answer's body; one that is no JSON object has no members.
class AnswerReader {
 public:
  explicit AnswerReader(std::string_view body);

  // Whether the member is a text that starts so, without regard to case.
  [[nodiscard]] bool StartsWith(std::string_view member, std::string_view start) const;
  // Whether the member is a list or an object with something in it.
  [[nodiscard]] bool HasEntries(std::string_view member) const;
  [[nodiscard]] std::optional<int64_t> Number(std::string_view member) const;
  // The texts of a list.
  [[nodiscard]] bool Lists(std::string_view member, std::string_view text) const;
  // Indexes in any of the shapes [3,4], {"field":[3,4]} and [{"index":3,"field":"field"}].
  using EachIndex = std::function<void(uint64_t index, std::string_view field)>;
  void ForEachIndex(std::string_view member, const EachIndex& each) const;

 private:
  [[nodiscard]] std::optional<simdjson::dom::element> Member(std::string_view name) const;

  simdjson::dom::parser parser_;
  std::optional<simdjson::dom::object> root_;
};

// Refuses what these members of the answer index, each message once.
void RefuseIndexed(const AnswerReader& answer, std::initializer_list<std::string_view> members,
                   const VendorRequest& request, SendOutcome* outcome);

}  // namespace bulkhead
