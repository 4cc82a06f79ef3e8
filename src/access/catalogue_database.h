// The catalogue's tables in memory: rows in, rows out, no rules, no file. Not thread-safe.
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
  static Result<CatalogueDatabase> Empty();
  // From what Image gave. kCorruption: not a database, or of a version that it does not know.
  static Result<CatalogueDatabase> FromImage(std::string_view image);
  // The database as SQLite lays it down in a file.
  [[nodiscard]] Result<std::string> Image();

  // The image of the file that older programs kept. What lies in a write-ahead log beside it is
  // brought into the file first.
  static Result<std::string> ImageOfPlainFile(const std::string& path);

  Result<uint32_t> InsertProject(std::string_view name, std::string_view timezone,
                                 std::string_view token);
  Result<void> InsertAccount(std::string_view username, uint32_t project, std::string_view hash);
  Result<bool> RemoveAccount(std::string_view username);  // false: there was none
  Result<std::vector<CatalogueProjectRow>> Projects();
  Result<std::vector<CatalogueAccountRow>> Accounts();

 private:
  struct Closer {
    void operator()(sqlite3* handle) const;
  };
  explicit CatalogueDatabase(sqlite3* handle) : handle_(handle) {}
  static Result<CatalogueDatabase> Open(const std::string& path);
  std::unique_ptr<sqlite3, Closer> handle_;
};

}  // namespace bulkhead
