// Listening sockets, bound by the supervisor so that the compartments that use them need no right
// to bind, and so that clients find them open while a compartment is started again.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "channel/descriptor.h"

namespace bulkhead {

struct ListenSocket {
  Descriptor socket;
  uint16_t port = 0;
};

// `listen` as ServerOptions has it. Without TLS only loopback addresses, unless plain HTTP is
// allowed.
Result<ListenSocket> MakeListenSocket(const std::string& listen, bool with_tls,
                                      bool allow_plain_http);

}  // namespace bulkhead
