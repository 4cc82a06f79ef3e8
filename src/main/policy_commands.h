// What `bulkhead policy ...` does, apart from reading its arguments.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "main/key_commands.h"

namespace bulkhead {

struct PolicyCommand {
  std::string dir;            // data directory
  std::string file;           // check, try: a policy
  std::string from, to;       // try: days of events, YYYY-MM-DD; empty: the last seven
  std::string secret;         // webhook-secret: its name
  KeyInput keys;              // webhook-secret
  uint32_t project = 1;       // try
  uint32_t events = 100'000;  // try: at most
};

// Whether FILE is a policy; every mistake by line and key.
Result<void> CommandPolicyCheck(const PolicyCommand& command);
// What is in force, and whether policy.toml is that.
Result<void> CommandPolicyStatus(const PolicyCommand& command);
// Every change that the audit log has, with its time.
Result<void> CommandPolicyHistory(const PolicyCommand& command);
// The secret of that name that alerts are signed with, for their receiver.
Result<void> CommandPolicyWebhookSecret(const PolicyCommand& command);
// What FILE would do with stored events, by property path; nothing is changed.
Result<void> CommandPolicyTry(const PolicyCommand& command);

}  // namespace bulkhead
