// What `bulkhead incident send`, `sending`, `proof`, `dkim` and `relay-credential` do, apart from
// reading their arguments.
#pragma once

#include <string>

#include "base/result.h"

namespace bulkhead {

struct NoticeCommand {
  std::string dir;  // data directory
  std::string id;
  std::string addresses_file;  // send: as `vault export collect` writes it
  std::string example_file;    // send: where the example goes
  std::string address_file;    // proof: holds one address; "-": standard input
  std::string out;             // proof: a file for the receipt
  std::string domain;          // dkim
  bool dry_run = false;        // send: tells what would be done
  bool incomplete = false;     // send: although the notice lacks facts
  bool refused = false;        // send: those whom the relay refused, once more
  bool undelivered = false;    // sending: with their pseudonyms, a read of persons
  bool json = false;
};

Result<void> CommandIncidentSend(const NoticeCommand& command);
Result<void> CommandIncidentSending(const NoticeCommand& command);
// As JSON, and the receipt of the audit log's entry in `out`.
Result<void> CommandIncidentProof(const NoticeCommand& command);
Result<void> CommandIncidentDkim(const NoticeCommand& command);
// From standard input.
Result<void> CommandIncidentRelayCredential(const NoticeCommand& command);

}  // namespace bulkhead
