#include "http/server.h"

#include <utility>

#include "http/dispatcher.h"
#include "http/listener.h"

namespace bulkhead {

class HttpServer::Impl {
 public:
  explicit Impl(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
  Listener& listener() { return *listener_; }

 private:
  std::unique_ptr<Listener> listener_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::Start(ServerOptions options, Services services) {
  Result<std::unique_ptr<Listener>> listener =
      Listener::Start(std::move(options), [&services](HttpMetrics* metrics, WorkPool* pool) {
        return MakeDispatcher(std::move(services), metrics, pool);
      });
  if (!listener) {
    return std::move(listener).error();
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::make_unique<Impl>(std::move(*listener))));
}

uint16_t HttpServer::port() const { return impl_->listener().port(); }
void HttpServer::Adopt(Descriptor connection) { impl_->listener().Adopt(std::move(connection)); }
void HttpServer::Stop() { impl_->listener().Stop(); }

}  // namespace bulkhead
