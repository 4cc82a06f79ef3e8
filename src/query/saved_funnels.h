// A project's saved funnels: one file, JSON inside, encrypted as a whole (crypto/sealed_file.h) and
// replaced atomically. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "model/report.h"

namespace bulkhead {

struct SavedFunnel {
  uint64_t id = 0;  // from 1, never used twice
  std::string name;
  std::string definition;  // JSON as ParseFunnelDefinition takes it, checked when saved
};

class SavedFunnels {
 public:
  struct Options {
    FileSystem* fs = &RealFileSystem();
    std::string path;
    const KeyRing* keys = nullptr;  // required; outlives this
    std::string owner;              // whose they are: StoreOptions
    bool accept_plain = true;       // files from before encryption are read
  };
  // A file that is not there is an empty list. kDenied: the ring lacks the key that it names.
  static Result<std::unique_ptr<SavedFunnels>> Open(Options options);

  Result<uint64_t> Add(std::string_view name, std::string_view definition_json);
  Result<void> Remove(uint64_t id);
  // From now on writes under this ring, which outlives this; when this returns, the file opens with
  // its newest key.
  Result<void> RewrapAll(const KeyRing& keys);
  [[nodiscard]] std::vector<SavedFunnel> List() const;
  // The parsed definition; the caller fills in dates and the rest of the request.
  [[nodiscard]] Result<FunnelReport> Find(uint64_t id) const;

 private:
  explicit SavedFunnels(Options options) : options_(std::move(options)) {}
  Result<void> Load();
  Result<void> Write(const std::vector<SavedFunnel>& funnels, uint64_t next_id);

  mutable std::mutex mutex_;
  Options options_;
  uint32_t ring_key_ = 0;  // that the file is wrapped under; 0: plain, or there is none
  uint64_t next_id_ = 1;
  std::vector<SavedFunnel> funnels_;
};

}  // namespace bulkhead
