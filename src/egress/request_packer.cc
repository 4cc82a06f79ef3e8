#include "egress/request_packer.h"

#include <fmt/format.h>

namespace bulkhead {

RequestPacker::RequestPacker(Form form, EncodedBatch* out)
    : form_(std::move(form)), out_(out), open_(form_.blank) {}

void RequestPacker::Add(size_t place, std::string_view json) {
  if (json.size() > form_.most_message_bytes) {
    out_->refused.push_back(
        {place, fmt::format("larger than the {} bytes that are taken", form_.most_message_bytes)});
    return;
  }
  const bool is_full = open_.messages.size() >= form_.most_messages ||
                       open_.body.size() + 1 + json.size() + form_.after.size() > form_.most_bytes;
  if (is_full) Finish();
  open_.body.append(open_.messages.empty() ? form_.before : ",").append(json);
  open_.messages.push_back(place);
}

void RequestPacker::Finish() {
  if (open_.messages.empty()) return;
  open_.body += form_.after;
  out_->requests.push_back(std::move(open_));
  open_ = form_.blank;
}

EncodedBatch PackAll(std::span<const OutboundMessage> messages, RequestPacker::Form form,
                     const MessageRules& rules) {
  EncodedBatch batch;
  RequestPacker packer(std::move(form), &batch);
  for (size_t place = 0; place < messages.size(); ++place) {
    if (const auto reason = rules.why_refused(messages[place])) {
      batch.refused.push_back({place, std::string(*reason)});
    } else {
      packer.Add(place, rules.json(messages[place]));
    }
  }
  packer.Finish();
  return batch;
}

}  // namespace bulkhead
