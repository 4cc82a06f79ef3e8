// Short messages that may carry descriptors, over a socket pair that keeps their borders
// (SOCK_SEQPACKET). The supervisor gives its children everything this way, and intake hands core
// the connections that it relays.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "channel/descriptor.h"

namespace bulkhead {

inline constexpr size_t kMaxMessageBytes = 128UL * 1024;
inline constexpr size_t kMaxMessageDescriptors = 16;

struct Message {
  uint8_t kind = 0;  // never zero
  std::string body;
  std::vector<Descriptor> descriptors;
};

// Two ends; both close on exec.
Result<std::pair<Descriptor, Descriptor>> MakeMessagePair();
Result<std::pair<Descriptor, Descriptor>> MakeStreamPair();

// One end. One thread may send while another receives; several senders must take turns.
class MessageSocket {
 public:
  explicit MessageSocket(Descriptor socket) : socket_(std::move(socket)) {}

  // The descriptors are duplicated to the receiver; the caller keeps its own. kUnavailable: the
  // other end is gone.
  Result<void> Send(uint8_t kind, std::string_view body, const std::vector<int>& descriptors = {});
  // Waits. kUnavailable: the other end is gone; kInvalid: no message of ours.
  Result<Message> Receive();

  [[nodiscard]] int descriptor() const { return socket_.get(); }
  // Wakes a Receive() that waits; everything fails from then on.
  void ShutDown();

 private:
  Descriptor socket_;
};

}  // namespace bulkhead
