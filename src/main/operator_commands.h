// What this program's own commands ask of a running server: one JSON object in, one out, over the
// control socket, which only the data directory's owner can reach. Who asks is what the system
// says, not what the line says.
#pragma once

#include <string>
#include <string_view>

#include "channel/rpc_client.h"
#include "main/vault_client.h"

namespace bulkhead {

struct OperatorPeers {
  RpcClient* core;
  VaultClient* vault;
  RpcClient* egress;
  std::string vault_trouble;  // why the vault is not there; empty: it is
};

// `command` is {"command":"erase|reveal|find","project":1,"subject":"<hex>"|"id":"<raw>",
// "email":"...","purpose":"...","reference":"...","history":true}, or one of an export
// (main/operator_exports.h) with "recipient", "fields", "export" and "after", one about vendors
// (main/vendor_desk.h), or one about incidents (main/incident_desk.h); answers {"error":"..."} or
// {"answer":...}.
std::string AnswerOperatorCommand(std::string_view command, const std::string& actor,
                                  const OperatorPeers& peers);

// {"error":"..."}
std::string ErrorAnswer(std::string_view message);

}  // namespace bulkhead
