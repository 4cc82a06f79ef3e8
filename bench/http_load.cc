// Sends ready-made /import bodies over kept-alive connections and measures until the last 200, so
// until the last event is durable. The bodies are mapped and sent as they are: the client's share
// of the processors is the kernel's copying.
//
//   http_load 127.0.0.1:PORT BODIES.ndjson TARGET USER:SECRET [CONNECTIONS]
//
// Prints {"requests","events","bytes","seconds","events_per_s","retries","p50_ms","p99_ms",
// "ended_unix_s"}. A 503
// is sent again; anything else than 200 ends the run with an error.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct Shared {
  std::vector<std::string_view> bodies;
  std::string head;  // request line and headers up to the length
  sockaddr_in address{};
  std::atomic<size_t> next{0};
  std::atomic<size_t> events{0};
  std::atomic<size_t> retries{0};
  std::atomic<bool> failed{false};
};

std::string Base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < text.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      out.push_back(i + k > text.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63]);
    }
  }
  return out;
}

int Connect(const Shared& shared) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&shared.address), sizeof shared.address) !=
      0) {
    ::close(fd);
    return -1;
  }
  return fd;
}

bool SendAll(int fd, std::string_view head, std::string_view body) {
  size_t sent = 0;
  while (sent < head.size() + body.size()) {
    std::array<iovec, 2> parts{};
    int count = 0;
    if (sent < head.size()) {
      parts[0] = {const_cast<char*>(head.data()) + sent, head.size() - sent};
      parts[1] = {const_cast<char*>(body.data()), body.size()};
      count = 2;
    } else {
      parts[0] = {const_cast<char*>(body.data()) + (sent - head.size()),
                  head.size() + body.size() - sent};
      count = 1;
    }
    const ssize_t n = ::writev(fd, parts.data(), count);
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

// Reads one answer; its status, or -1. The answer's body goes to *body.
int ReadAnswer(int fd, std::string* body) {
  std::string text;
  std::array<char, 4096> piece{};
  size_t end = std::string::npos;
  size_t length = 0;
  while (end == std::string::npos || text.size() < end + 4 + length) {
    const ssize_t n = ::recv(fd, piece.data(), piece.size(), 0);
    if (n <= 0) return -1;
    text.append(piece.data(), static_cast<size_t>(n));
    if (end != std::string::npos) continue;
    end = text.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    std::string head = text.substr(0, end);
    std::transform(head.begin(), head.end(), head.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const size_t at = head.find("content-length:");
    if (at != std::string::npos) length = std::strtoull(head.c_str() + at + 15, nullptr, 10);
  }
  *body = text.substr(end + 4);
  return std::atoi(text.c_str() + 9);
}

void Work(Shared* shared, std::vector<float>* latencies) {
  using Clock = std::chrono::steady_clock;
  const int fd = Connect(*shared);
  std::string answer;
  for (size_t i = shared->next++; fd >= 0 && i < shared->bodies.size() && !shared->failed;) {
    const std::string_view body = shared->bodies[i];
    const std::string head = shared->head + std::to_string(body.size()) + "\r\n\r\n";
    const Clock::time_point began = Clock::now();
    const int status = SendAll(fd, head, body) ? ReadAnswer(fd, &answer) : -1;
    if (status == 503) {
      ++shared->retries;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      continue;
    }
    const size_t at = answer.find("\"num_records_imported\":");
    if (status != 200 || at == std::string::npos) {
      std::fprintf(stderr, "request %zu: status %d %.500s\n", i, status, answer.c_str());
      shared->failed = true;
      break;
    }
    shared->events += std::strtoull(answer.c_str() + at + 23, nullptr, 10);
    latencies->push_back(std::chrono::duration<float, std::milli>(Clock::now() - began).count());
    i = shared->next++;
  }
  if (fd < 0) shared->failed = true;
  if (fd >= 0) ::close(fd);
}

std::string_view MapFile(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0 || status.st_size == 0) return {};
  const size_t size = static_cast<size_t>(status.st_size);
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  if (at == MAP_FAILED) return {};
  return {static_cast<const char*>(at), size};
}

bool Prepare(char** argv, Shared* shared, std::string_view file) {
  while (!file.empty()) {
    const size_t end = std::min(file.find('\n'), file.size());
    if (end > 0) shared->bodies.push_back(file.substr(0, end));
    file.remove_prefix(std::min(end + 1, file.size()));
  }
  const std::string server = argv[1];
  const size_t colon = server.find(':');
  shared->address.sin_family = AF_INET;
  if (colon == std::string::npos ||
      ::inet_pton(AF_INET, server.substr(0, colon).c_str(), &shared->address.sin_addr) != 1)
    return false;
  shared->address.sin_port = htons(static_cast<uint16_t>(std::atoi(server.c_str() + colon + 1)));
  shared->head = "POST " + std::string(argv[3]) + " HTTP/1.1\r\nHost: " + server +
                 "\r\nContent-Type: application/json\r\n" + "Authorization: Basic " +
                 Base64(argv[4]) + "\r\nContent-Length: ";
  return !shared->bodies.empty();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr,
                 "usage: http_load ADDRESS:PORT BODIES.ndjson TARGET USER:SECRET [CONNECTIONS]\n");
    return 2;
  }
  const std::string_view file = MapFile(argv[2]);
  Shared shared;
  if (!Prepare(argv, &shared, file)) {
    std::fprintf(stderr, "nothing to send, or not an address\n");
    return 1;
  }
  const size_t connections = argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 8;
  std::vector<std::vector<float>> latencies(connections);
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < connections; ++i) threads.emplace_back(Work, &shared, &latencies[i]);
  for (std::thread& thread : threads) thread.join();
  const double ended_unix_s =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  if (shared.failed) return 1;
  std::vector<float> all;
  for (const std::vector<float>& part : latencies) all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end());
  const double events = static_cast<double>(shared.events.load());
  std::printf(
      "{\"requests\":%zu,\"events\":%.0f,\"bytes\":%zu,\"seconds\":%.3f,\"events_per_s\":%.0f,"
      "\"retries\":%zu,"
      "\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"ended_unix_s\":%.3f}\n",
      all.size(), events, file.size(), seconds, events / seconds, shared.retries.load(),
      static_cast<double>(all[all.size() / 2]), static_cast<double>(all[all.size() * 99 / 100]),
      ended_unix_s);
  std::fflush(stdout);
  return 0;
}
