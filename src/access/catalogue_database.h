// The catalogue's SQLite file: rows in, rows out, no rules. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct sqlite3;

namespace bulkhead {

struct CatalogueProjectRow {
  uint32_t id = 0;
  std::string name;
  std::string timezone;
  std::string token;
};

struct CatalogueAccountRow {
  std::string username;
  uint32_t project = 0;
  std::string hash;
};

class CatalogueDatabase {
 public:
  // Made with mode 0600 if absent; refuses a file of a version that it does not know.
  static Result<CatalogueDatabase> Open(const std::string& path);

  Result<uint32_t> InsertProject(std::string_view name, std::string_view timezone,
                                 std::string_view token);
  Result<void> InsertAccount(std::string_view username, uint32_t project, std::string_view hash);
  Result<bool> RemoveAccount(std::string_view username);  // false: there was none
  Result<std::vector<CatalogueProjectRow>> Projects();
  Result<std::vector<CatalogueAccountRow>> Accounts();
  Result<int64_t> DataVersion();  // changes when another connection commits

 private:
  struct Closer {
    void operator()(sqlite3* handle) const;
  };
  explicit CatalogueDatabase(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3, Closer> handle_;
};

}  // namespace bulkhead
