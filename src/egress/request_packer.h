// Packs messages into requests that stay below what a vendor takes in one. Not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "egress/destination.h"

namespace bulkhead {

class RequestPacker {
 public:
  struct Form {
    VendorRequest blank;        // address and headers of each request
    std::string before, after;  // of the messages in the body; commas stand between them
    size_t most_messages = 0;   // in one request
    size_t most_bytes = 0;      // of one request's body
    size_t most_message_bytes = 0;
  };
  // `out` outlives the packer.
  RequestPacker(Form form, EncodedBatch* out);

  // One message as this vendor has it; one that is too large for any request is refused.
  void Add(size_t place, std::string_view json);
  // What is in the last request is sent, too.
  void Finish();

 private:
  Form form_;
  EncodedBatch* out_;
  VendorRequest open_;
};

// How one interface says a message.
struct MessageRules {
  std::function<std::optional<std::string_view>(const OutboundMessage&)> why_refused;
  std::function<std::string(const OutboundMessage&)> json;
};
// For interfaces that take everything at one place.
EncodedBatch PackAll(std::span<const OutboundMessage> messages, RequestPacker::Form form,
                     const MessageRules& rules);

}  // namespace bulkhead
