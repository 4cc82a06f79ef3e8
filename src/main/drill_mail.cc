#include "main/drill_mail.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <string_view>

#include "channel/descriptor.h"

namespace bulkhead {
namespace {

constexpr timeval kPatience{10, 0};

Error NotTaken(std::string_view why) {
  return {ErrorCode::kUnavailable, fmt::format("a mail of the drill was not taken: {}", why)};
}

Result<Descriptor> ConnectToLoopback(uint16_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!socket.valid() ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience)) != 0 ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience)) != 0 ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return NotTaken("nobody listens");
  }
  return socket;
}

// Reads the server's answer, whose last line has a space behind the code.
Result<void> Expect(const Descriptor& socket, char first_digit) {
  std::string answer;
  std::array<char, 512> some{};
  for (;;) {
    const size_t line =
        answer.size() < 2 ? std::string::npos : answer.rfind('\n', answer.size() - 2);
    const size_t begin = line == std::string::npos ? 0 : line + 1;
    if (answer.ends_with("\n") && answer.size() > begin + 3 && answer[begin + 3] != '-') {
      return answer[begin] == first_digit ? Result<void>() : NotTaken("it was refused");
    }
    const ssize_t size = ::recv(socket.get(), some.data(), some.size(), 0);
    if (size <= 0 || answer.size() > 8192) return NotTaken("no answer");
    answer.append(some.data(), static_cast<size_t>(size));
  }
}

Result<void> Say(const Descriptor& socket, const std::string& text, char first_digit) {
  for (size_t sent = 0; sent < text.size();) {
    const ssize_t size = ::send(socket.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) return NotTaken("the connection broke");
    sent += static_cast<size_t>(size);
  }
  return Expect(socket, first_digit);
}

}  // namespace

Result<void> SendPhishingMail(uint16_t port, const std::string& to) {
  const Result<Descriptor> socket = ConnectToLoopback(port);
  if (!socket) {
    return socket.error();
  }
  if (Result<void> greeted = Expect(*socket, '2'); !greeted) {
    return greeted;
  }
  const std::string mail = fmt::format(
      "From: Support <support@phish.example>\r\nTo: {}\r\nSubject: Your account is on hold\r\n\r\n"
      "Please confirm your API key.\r\n.\r\n",
      to);
  for (const auto& [text, first_digit] :
       {std::pair<std::string, char>("EHLO phish.example\r\n", '2'),
        {"MAIL FROM:<support@phish.example>\r\n", '2'},
        {fmt::format("RCPT TO:<{}>\r\n", to), '2'},
        {"DATA\r\n", '3'},
        {mail, '2'},
        {"QUIT\r\n", '2'}}) {
    if (Result<void> said = Say(*socket, text, first_digit); !said) {
      return said;
    }
  }
  return {};
}

}  // namespace bulkhead
