#include "channel/message_socket.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace bulkhead {
namespace {

Result<std::pair<Descriptor, Descriptor>> MakePair(int type) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return Error{ErrorCode::kUnavailable, "cannot make a socket pair"};
  }
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

Error Gone() { return {ErrorCode::kUnavailable, "the other end of a channel is gone"}; }

// Room for the descriptors of one message.
union ControlBytes {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int) * kMaxMessageDescriptors)> bytes;
};

std::vector<Descriptor> TakeDescriptors(msghdr* header) {
  std::vector<Descriptor> taken;
  for (cmsghdr* part = CMSG_FIRSTHDR(header); part != nullptr; part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      taken.emplace_back(fd);
    }
  }
  return taken;
}

}  // namespace

Result<std::pair<Descriptor, Descriptor>> MakeMessagePair() { return MakePair(SOCK_SEQPACKET); }
Result<std::pair<Descriptor, Descriptor>> MakeStreamPair() { return MakePair(SOCK_STREAM); }

Result<void> MessageSocket::Send(uint8_t kind, std::string_view body,
                                 const std::vector<int>& descriptors) {
  Check(kind != 0, "a message has a kind");
  if (body.size() + 1 > kMaxMessageBytes || descriptors.size() > kMaxMessageDescriptors) {
    return Error{ErrorCode::kLimit, "a message is larger than a channel takes"};
  }
  std::array<iovec, 2> parts = {iovec{&kind, 1},
                                iovec{const_cast<char*>(body.data()), body.size()}};
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = parts.size();
  ControlBytes control{};
  if (!descriptors.empty()) {
    header.msg_control = control.bytes.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    std::memcpy(CMSG_DATA(part), descriptors.data(), sizeof(int) * descriptors.size());
  }
  for (;;) {
    if (::sendmsg(socket_.get(), &header, MSG_NOSIGNAL) >= 0) {
      return {};
    }
    if (errno != EINTR) {
      return Gone();
    }
  }
}

Result<Message> MessageSocket::Receive() {
  std::string bytes(kMaxMessageBytes, '\0');
  ControlBytes control{};
  iovec part{bytes.data(), bytes.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    return Gone();
  }
  Message message;
  message.descriptors = TakeDescriptors(&header);
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || bytes[0] == 0) {
    return Error{ErrorCode::kInvalid, "a message on a channel is not of this program"};
  }
  message.kind = static_cast<uint8_t>(bytes[0]);
  message.body.assign(bytes, 1, static_cast<size_t>(got) - 1);
  std::memset(bytes.data(), 0, static_cast<size_t>(got));  // it may have held keys
  return message;
}

void MessageSocket::ShutDown() { ::shutdown(socket_.get(), SHUT_RDWR); }

}  // namespace bulkhead
