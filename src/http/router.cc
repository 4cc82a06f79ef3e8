#include "http/router.h"

#include <algorithm>
#include <utility>

namespace bulkhead {
namespace {

bool Matches(std::string_view pattern, std::string_view path) {
  while (!pattern.empty() && !path.empty()) {
    const size_t pattern_end = pattern.find('/', 1);
    const size_t path_end = path.find('/', 1);
    const std::string_view wanted = pattern.substr(0, pattern_end);
    const std::string_view given = path.substr(0, path_end);
    const bool any = wanted.starts_with("/{") && given.size() > 1;
    if (!any && wanted != given) {
      return false;
    }
    pattern = pattern_end == std::string_view::npos ? "" : pattern.substr(pattern_end);
    path = path_end == std::string_view::npos ? "" : path.substr(path_end);
  }
  return pattern.empty() && path.empty();
}

}  // namespace

void Router::Add(Route route) {
  routes_.push_back(std::make_unique<Route>(std::move(route)));
  const Route* added = routes_.back().get();
  if (added->pattern.find('{') == std::string_view::npos) {
    exact_.emplace(added->pattern, added);
  } else {
    patterns_.push_back(added);
  }
}

const Route* Router::Find(std::string_view path) const {
  if (path.size() > 1 && path.back() == '/') {
    path.remove_suffix(1);
  }
  if (const auto found = exact_.find(path); found != exact_.end()) {
    return found->second;
  }
  for (const Route* route : patterns_) {
    if (Matches(route->pattern, path)) {
      return route;
    }
  }
  return nullptr;
}

bool Router::Allows(const Route& route, std::string_view method) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  return std::find(route.methods.begin(), route.methods.end(), wanted) != route.methods.end();
}

std::string Router::AllowHeader(const Route& route) {
  std::string allow;
  for (const std::string_view method : route.methods) {
    allow += method;
    allow += ", ";
  }
  return allow + "OPTIONS";
}

}  // namespace bulkhead
