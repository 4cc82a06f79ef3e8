// Attempts to talk to anyone but the supervisor's channels.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "attack_stage.h"

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

namespace bulkhead {
namespace {

constexpr int kMultipathTcp = 262;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Finding ConnectTo(int fd, const sockaddr_in& address) {
  if (fd < 0) return Refused();
  const Finding finding =
      FromCall(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
  ::close(fd);
  return finding;
}

Finding Connect(const Stage& stage) {
  return ConnectTo(::socket(AF_INET, SOCK_STREAM, 0), Loopback(stage.tcp_port));
}

Finding ConnectMultipath(const Stage& stage) {
  return ConnectTo(::socket(AF_INET, SOCK_STREAM, kMultipathTcp), Loopback(stage.tcp_port));
}

struct UnixAddress {
  sockaddr_un address{};
  socklen_t size = 0;
};
UnixAddress ToUnix(const std::string& name, bool abstract) {
  UnixAddress to;
  to.address.sun_family = AF_UNIX;
  name.copy(to.address.sun_path + (abstract ? 1 : 0), sizeof(to.address.sun_path) - 2);
  to.size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 1 : 0));
  return to;
}

Finding ConnectUnix(const std::string& name, bool abstract) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return Refused();
  const UnixAddress to = ToUnix(name, abstract);
  return FromCall(::connect(fd, reinterpret_cast<const sockaddr*>(&to.address), to.size));
}

// A datagram socket of a pair may send to any address.
Finding DatagramFromPair(const Stage& stage) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0) return Refused();
  const UnixAddress to = ToUnix(stage.socket_path + ".datagram", false);
  return FromCall(
      ::sendto(pair[0], "x", 1, 0, reinterpret_cast<const sockaddr*>(&to.address), to.size));
}

Finding Bind(const Stage&) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return Refused();
  const sockaddr_in address = Loopback(0);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return Refused();
  }
  return FromCall(::listen(fd, 1));
}

// A listening socket that is shut down is a fresh socket: by TCP Fast Open sending connects it,
// past connect(2) and past Landlock's ports.
Finding FastOpenFromListener(const Stage& stage) {
  ::shutdown(stage.listener, SHUT_RD);
  sockaddr_in address = Loopback(stage.tcp_port);
  char byte = 0;
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = sizeof(address);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const ssize_t sent = ::sendmsg(stage.listener, &message, MSG_FASTOPEN | MSG_NOSIGNAL);
  // It connects to nobody: the listener was the one. A refusal by the other side is a success.
  if (sent >= 0 || errno == ECONNREFUSED || errno == EINPROGRESS) return Got("it sent a SYN");
  return Refused();
}

Finding FastOpen(const Stage& stage) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return Refused();
  const sockaddr_in address = Loopback(stage.tcp_port);
  return FromCall(::sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
                           reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
}

Finding ConnectFromListener(const Stage& stage) {
  ::shutdown(stage.listener, SHUT_RD);
  const sockaddr_in address = Loopback(stage.tcp_port);
  const int result =
      ::connect(stage.listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (result == 0 || errno == ECONNREFUSED) return Got("it sent a SYN");
  return Refused();
}

Finding MakeSocket(int family, int kind, int protocol) {
  const int fd = ::socket(family, kind, protocol);
  if (fd < 0) return Refused();
  ::close(fd);
  return Got("made a socket");
}

Finding OddFamilies(const Stage&) {
  Finding finding;
  for (const int family :
       {AF_VSOCK, AF_ALG, AF_KEY, AF_TIPC, AF_XDP, AF_CAN, AF_BLUETOOTH, AF_RDS}) {
    finding = MakeSocket(family, SOCK_RAW, 0);
    if (!finding.succeeded) finding = MakeSocket(family, SOCK_SEQPACKET, 0);
    if (finding.succeeded) break;
  }
  return finding;
}

Finding AttachFilter(const Stage& stage) {
  sock_filter accept_all{BPF_RET | BPF_K, 0, 0, 0xffff};
  const sock_fprog program{1, &accept_all};
  return FromCall(
      ::setsockopt(stage.channel, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

Finding FakeTyping(const Stage&) {
  char letter = ' ';
  return FromCall(::ioctl(0, TIOCSTI, &letter));
}

// Every descriptor that is open, against those that it was given.
Finding UnexpectedDescriptors(const Stage& stage) {
  for (int fd = 3; fd < 4096; ++fd) {
    bool expected = false;
    for (const int kept : stage.rules.keep_descriptors) expected |= fd == kept;
    if (!expected && ::fcntl(fd, F_GETFD) >= 0)
      return Got(fmt::format("descriptor {} is open", fd));
  }
  return {false, "none but those given"};
}

Finding LeakedKey(const Stage& stage) {
  char byte = 0;
  return ::pread(stage.leaked_key, &byte, 1, 0) == 1 ? Got("read the root key") : Refused();
}

}  // namespace

std::vector<Attempt> NetworkAttempts() {
  const Control always = Control::kSucceeds;
  const Control root = Control::kNeedsRoot;
  const Control may = Control::kMayNotWork;
  const auto has_listener = [](const Stage& stage) { return stage.rules.may_accept; };
  const auto no_network = [](const Stage& stage) { return !stage.rules.may_connect_out; };
  return {
      {"connect-tcp", "connect to a port on loopback (for egress: one that is not listed)", always,
       Connect},
      {"connect-multipath", "the same by MPTCP, past Landlock's ports", may, ConnectMultipath},
      {"connect-socket-path", "connect to another's socket by its path", always,
       [](const Stage& s) { return ConnectUnix(s.socket_path, false); }},
      {"connect-abstract", "connect to an abstract socket", always,
       [](const Stage& s) { return ConnectUnix(s.abstract_name, true); }},
      {"datagram-from-pair", "send to a socket's path from a datagram pair", always,
       DatagramFromPair},
      {"bind", "listen on a port of its own", always, Bind},
      {"fast-open", "send to an address by TCP Fast Open", may, FastOpen},
      {"fast-open-from-listener", "the same from the listening socket it holds", always,
       FastOpenFromListener, has_listener},
      {"connect-from-listener", "connect the listening socket it holds", always,
       ConnectFromListener, has_listener},
      {"udp", "make a UDP socket (egress may, for names)", always,
       [](const Stage&) { return MakeSocket(AF_INET, SOCK_DGRAM, 0); }, no_network},
      {"raw", "make a raw socket", root,
       [](const Stage&) { return MakeSocket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }},
      {"packet", "make a packet socket", may,
       [](const Stage&) { return MakeSocket(AF_PACKET, SOCK_RAW, 0); }},
      {"netlink", "make a netlink socket", always,
       [](const Stage&) { return MakeSocket(AF_NETLINK, SOCK_RAW, 0); }},
      {"odd-families", "make a socket of a rarely used family", may, OddFamilies},
      {"attach-filter", "load a packet filter into the kernel", always, AttachFilter},
      {"fake-typing", "type into the operator's terminal (TIOCSTI)", may, FakeTyping},
      {"unexpected-descriptors", "look for inherited descriptors", always, UnexpectedDescriptors},
      {"leaked-key", "read the root key by a descriptor that was left open", always, LeakedKey},
  };
}

}  // namespace bulkhead
