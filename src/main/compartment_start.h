// What the supervisor hands to a compartment, and how: one message with everything that it needs to
// begin, then one for each link to another compartment, also later, when that one was started
// again.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "channel/message_socket.h"
#include "channel/status_board.h"
#include "crypto/crypto.h"
#include "main/board_numbers.h"

namespace bulkhead {

// Kinds of messages, from and to the supervisor.
inline constexpr uint8_t kMessageStart = 1;
inline constexpr uint8_t kMessageLink = 2;  // body: the other compartment's name
inline constexpr uint8_t kMessageStop = 3;
inline constexpr uint8_t kMessageReady = 4;   // body: JSON, what holds the compartment in
inline constexpr uint8_t kMessageFailed = 5;  // body: why it cannot start

// The supervisor's own name as the end of a line.
inline constexpr std::string_view kSupervisorPeer = "supervisor";

// The descriptor at which a compartment finds its end of the socket to the supervisor.
inline constexpr int kSupervisorDescriptor = 3;

struct ListenerConfig {
  std::string listen;  // empty: none
  std::string tls_certificate, tls_key;
  bool allow_tls_1_2 = false;
  std::vector<std::string> trusted_proxies;
  uint64_t max_connections = 0;
};

struct CompartmentStart {
  std::string data_dir;
  std::string place_database;           // empty: none
  SecretBytes keys;                     // this compartment's, opened
  ListenerConfig listener;              // intake's or core's
  std::vector<uint16_t> connect_ports;  // egress: TCP ports that it may connect to
  // Of the audit log's witnesses, in one order: the URLs are egress's, the public keys audit's.
  std::vector<std::string> witness_urls, witness_keys;
  bool relay = false;         // intake: queries come to the same listener
  std::string operator_hash;  // intake, core: of its operator's account (operator_account.h)
  // What the operator agreed to do without (confinement_report.h); empty: nothing.
  std::string weaker_confinement;

  std::unique_ptr<StatusBoard> own;  // to write
  std::array<std::unique_ptr<StatusBoard>, kBoards> boards;
  Descriptor lock;  // the data directory's, so that it is held as long as anybody works there
  Descriptor listener_socket;  // not valid: none

  // All that came with the start.
  [[nodiscard]] std::vector<int> Descriptors() const;
};

// The message of a start; `descriptors` are to go with it.
struct StartMessage {
  SecretBytes body;
  std::vector<int> descriptors;
};
struct StartDescriptors {
  int own_board;
  std::array<int, kBoards> boards;
  int lock;
  int listener = -1;
};
StartMessage EncodeStart(const CompartmentStart& start, const StartDescriptors& descriptors);
Result<CompartmentStart> DecodeStart(Message message);

}  // namespace bulkhead
