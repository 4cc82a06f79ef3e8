#include "http/test_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

namespace bulkhead {

std::string TestAnswer::Header(std::string_view name) const {
  const size_t at = head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) {
    return {};
  }
  const size_t start = at + name.size() + 4;
  return head.substr(start, head.find("\r\n", start) - start);
}

TestClient::TestClient(uint16_t port) {
  std::signal(SIGPIPE, SIG_IGN);
  fd_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval timeout{8, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  (void)connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

TestClient TestClient::Tls(uint16_t port, int max_version) {
  TestClient client(port);
  client.context_ = SSL_CTX_new(TLS_client_method());
  if (max_version != 0) {
    SSL_CTX_set_max_proto_version(client.context_, max_version);
  }
  client.tls_ = SSL_new(client.context_);
  SSL_set_fd(client.tls_, client.fd_);
  client.tls_ok_ = SSL_connect(client.tls_) == 1;
  return client;
}

TestClient::TestClient(TestClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      context_(std::exchange(other.context_, nullptr)),
      tls_(std::exchange(other.tls_, nullptr)),
      tls_ok_(other.tls_ok_),
      in_(std::move(other.in_)) {}

TestClient::~TestClient() {
  SSL_free(tls_);
  SSL_CTX_free(context_);
  if (fd_ >= 0) {
    close(fd_);
  }
}

bool TestClient::TrySend(const std::string& bytes) {
  if (tls_ != nullptr) {
    return SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) {
      return false;
    }
    sent += static_cast<size_t>(n);
  }
  return true;
}

void TestClient::Send(const std::string& bytes) { (void)TrySend(bytes); }
void TestClient::CloseWriting() { shutdown(fd_, SHUT_WR); }

bool TestClient::Readable() const {
  pollfd poll_fd{fd_, POLLIN, 0};
  return poll(&poll_fd, 1, 0) > 0;
}

bool TestClient::ReadSome() {
  std::array<char, 65536> bytes{};
  const ssize_t n = tls_ != nullptr ? SSL_read(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                    : recv(fd_, bytes.data(), bytes.size(), 0);
  if (n <= 0) {
    return false;
  }
  in_.append(bytes.data(), static_cast<size_t>(n));
  return true;
}

TestAnswer TestClient::ReadAnswer(bool head_only) {
  TestAnswer answer;
  size_t end = 0;
  while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
    if (!ReadSome()) {
      return answer;
    }
  }
  answer.head = in_.substr(0, end + 2);
  in_.erase(0, end + 4);
  answer.status = std::atoi(answer.head.c_str() + 9);
  if (head_only) {
    return answer;
  }
  if (answer.Header("Transfer-Encoding") == "chunked") {
    for (;;) {
      while ((end = in_.find("\r\n")) == std::string::npos && ReadSome()) {
      }
      const size_t size = std::strtoul(in_.c_str(), nullptr, 16);
      while (in_.size() < end + 2 + size + 2 && ReadSome()) {
      }
      answer.body += in_.substr(end + 2, size);
      in_.erase(0, end + 2 + size + 2);
      if (size == 0) {
        return answer;
      }
    }
  }
  const size_t size = std::strtoul(answer.Header("Content-Length").c_str(), nullptr, 10);
  while (in_.size() < size && ReadSome()) {
  }
  answer.body = in_.substr(0, size);
  in_.erase(0, size);
  return answer;
}

std::string TestClient::ReadAll() {
  while (ReadSome()) {
  }
  return std::exchange(in_, {});
}

bool TestClient::AtEnd() { return in_.empty() && !ReadSome(); }

}  // namespace bulkhead
