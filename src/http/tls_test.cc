// TLS of the listener: versions, a broken handshake, the same answers as without.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "http/listener.h"
#include "http/test_client.h"

namespace bulkhead {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class PlainAnswer final : public RequestHandler {
 public:
  void Handle(HttpRequest request, Reply reply) override {
    HttpResponse response;
    response.body = (request.secure ? "secure " : "plain ") + std::to_string(request.body.size());
    reply->Send(std::move(response));
  }
  HttpResponse Refuse(const HttpRequest&, int status) override {
    return ErrorResponse(status, "refused");
  }
};

// A key and a self-signed certificate in a directory of its own.
class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tls_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    std::FILE* out = std::fopen((dir_ / "key.pem").c_str(), "w");
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    out = std::fopen((dir_ / "cert.pem").c_str(), "w");
    PEM_write_X509(out, certificate);
    std::fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<Listener> Start(bool allow_tls_1_2) {
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.tls_certificate = ReadFile(dir_ / "cert.pem");
    options.tls_key = ReadFile(dir_ / "key.pem");
    options.allow_tls_1_2 = allow_tls_1_2;
    auto listener = Listener::Start(
        options, [](HttpMetrics*, WorkPool*) { return std::make_unique<PlainAnswer>(); });
    EXPECT_TRUE(listener.has_value());
    return std::move(*listener);
  }

  std::filesystem::path dir_;
};

TEST_F(TlsTest, AnswersOverTls13) {
  const auto listener = Start(false);
  TestClient client = TestClient::Tls(listener->port(), 0);
  ASSERT_TRUE(client.handshake_ok());
  const std::string body(300'000, 'b');
  for (int i = 0; i < 3; ++i) {
    client.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + body);
    EXPECT_EQ(client.ReadAnswer().body, "secure 300000");
  }
  client.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.ReadAnswer().body, "secure 0");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(TlsTest, OlderVersionsOnlyWhereAllowed) {
  const auto strict = Start(false);
  EXPECT_FALSE(TestClient::Tls(strict->port(), TLS1_2_VERSION).handshake_ok());
  const auto wide = Start(true);
  EXPECT_TRUE(TestClient::Tls(wide->port(), TLS1_2_VERSION).handshake_ok());
  EXPECT_FALSE(TestClient::Tls(wide->port(), TLS1_1_VERSION).handshake_ok());
}

TEST_F(TlsTest, PlainTextOnATlsPortEndsQuietly) {
  const auto listener = Start(false);
  TestClient client(listener->port());
  client.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.ReadAll().find("HTTP/"), std::string::npos);
  for (int i = 0; i < 100 && listener->metrics().tls_handshakes_failed.load() == 0; ++i) {
    usleep(10'000);
  }
  EXPECT_EQ(listener->metrics().tls_handshakes_failed.load(), 1U);
}

}  // namespace
}  // namespace bulkhead
