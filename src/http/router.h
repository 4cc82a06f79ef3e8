// Paths to handlers. A pattern's "{id}" stands for one segment; a trailing slash never matters.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/message.h"

namespace bulkhead {

enum class Face : unsigned char {
  kIngest = 1,  // SDKs: cross-origin requests are answered, errors have the ingest shape
  kQuery,       // members and service accounts: never cross-origin
  kOperator     // health and metrics
};

struct Route {
  std::string pattern;
  Face face = Face::kQuery;
  std::vector<std::string_view> methods;  // HEAD goes with GET
  std::function<void(HttpRequest, Reply)> handle;
};

class Router {
 public:
  void Add(Route route);
  // Null: no such path.
  [[nodiscard]] const Route* Find(std::string_view path) const;
  [[nodiscard]] static bool Allows(const Route& route, std::string_view method);
  [[nodiscard]] static std::string AllowHeader(const Route& route);

 private:
  std::vector<std::unique_ptr<Route>> routes_;
  std::unordered_map<std::string_view, const Route*> exact_;
  std::vector<const Route*> patterns_;
};

}  // namespace bulkhead
