// One client's connection: reads requests (pipelined ones too) within every limit, answers them in
// their order.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "http/client_address.h"
#include "http/http_metrics.h"
#include "http/io_loop.h"
#include "http/message.h"
#include "http/request_reader.h"
#include "http/server.h"
#include "http/work_pool.h"

namespace boost::asio::ssl {
class context;
}

namespace bulkhead {

class Connection {
 public:
  virtual ~Connection() = default;
  virtual void Start() = 0;       // all three from any thread
  virtual void BeginDrain() = 0;  // closes when idle; takes no request after the ones in flight
  virtual void Abort() = 0;
};

// The open connections, so that Stop() can wait for them.
class ConnectionSet {
 public:
  bool Add(const std::shared_ptr<Connection>& connection, size_t max);  // false: full
  void Remove(const std::shared_ptr<Connection>& connection);
  void DrainAll();
  void AbortAll();
  bool WaitEmpty(int64_t timeout_ms);

 private:
  std::mutex mutex_;
  std::condition_variable empty_;
  std::unordered_set<std::shared_ptr<Connection>> open_;
  bool draining_ = false;
};

// What all connections of a server share; outlives them.
struct ConnectionShared {
  ServerOptions options;
  TrustedProxies proxies;
  HttpMetrics metrics;
  ConnectionSet connections;
  std::unique_ptr<WorkPool> pool;
  std::unique_ptr<RequestHandler> handler;
  BodyBudget budget;
};

std::shared_ptr<Connection> MakePlainConnection(boost::asio::ip::tcp::socket socket,
                                                std::shared_ptr<IoLoop> loop,
                                                std::shared_ptr<ConnectionShared> shared);
// From intake, which has checked the client's address.
std::shared_ptr<Connection> MakeRelayedConnection(
    boost::asio::local::stream_protocol::socket socket, std::shared_ptr<IoLoop> loop,
    std::shared_ptr<ConnectionShared> shared);
std::shared_ptr<Connection> MakeTlsConnection(boost::asio::ip::tcp::socket socket,
                                              std::shared_ptr<IoLoop> loop,
                                              std::shared_ptr<ConnectionShared> shared,
                                              boost::asio::ssl::context& tls);

}  // namespace bulkhead
