// A project's saved funnels: one JSON file, replaced atomically. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "model/report.h"

namespace bulkhead {

struct SavedFunnel {
  uint64_t id = 0;  // from 1, never used twice
  std::string name;
  std::string definition;  // JSON as ParseFunnelDefinition takes it, checked when saved
};

class SavedFunnels {
 public:
  // A file that is not there is an empty list.
  static Result<std::unique_ptr<SavedFunnels>> Open(FileSystem* fs, std::string path);

  Result<uint64_t> Add(std::string_view name, std::string_view definition_json);
  Result<void> Remove(uint64_t id);
  [[nodiscard]] std::vector<SavedFunnel> List() const;
  // The parsed definition; the caller fills in dates and the rest of the request.
  [[nodiscard]] Result<FunnelReport> Find(uint64_t id) const;

 private:
  SavedFunnels(FileSystem* fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  Result<void> Write(const std::vector<SavedFunnel>& funnels, uint64_t next_id);

  FileSystem* fs_;
  std::string path_;
  mutable std::mutex mutex_;
  uint64_t next_id_ = 1;
  std::vector<SavedFunnel> funnels_;
};

}  // namespace bulkhead
