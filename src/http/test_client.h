// A raw client for tests: sends exactly the given bytes, over plain TCP or TLS.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace bulkhead {

struct TestAnswer {
  int status = 0;  // 0: the connection ended first
  std::string head;
  std::string body;  // chunked coding removed

  // The first header of that name, spelled as sent; empty where there is none.
  [[nodiscard]] std::string Header(std::string_view name) const;
};

class TestClient {
 public:
  explicit TestClient(uint16_t port);
  // `max_version`: such as TLS1_2_VERSION; 0 = any.
  static TestClient Tls(uint16_t port, int max_version);
  ~TestClient();
  TestClient(TestClient&& other) noexcept;
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  [[nodiscard]] bool handshake_ok() const { return tls_ok_; }
  void Send(const std::string& bytes);
  bool TrySend(const std::string& bytes);
  void CloseWriting();
  [[nodiscard]] bool Readable() const;
  TestAnswer ReadAnswer(bool head_only = false);
  std::string ReadAll();
  // True: the server closes within some seconds and sends nothing before.
  bool AtEnd();

 private:
  bool ReadSome();

  int fd_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* tls_ = nullptr;
  bool tls_ok_ = false;
  std::string in_;
};

}  // namespace bulkhead
