// The versions of all incidents, one sealed file each: ID.NUMBER under one directory. A version is
// written once, whole, and never again; what a crash cuts off was not there. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "incident/incident_record.h"

namespace bulkhead {

class IncidentStore {
 public:
  // Makes `dir` if absent and wraps every file under the newest key. `fs` and `keys` outlive it.
  // kCorruption: a version is damaged, or missing before the last one; nothing is changed then.
  // kUnavailable: the keys lack the one that a file lies under.
  static Result<IncidentStore> Open(FileSystem& fs, const std::string& dir, const KeyRing& keys);

  // Names of all incidents, oldest first.
  [[nodiscard]] Result<std::vector<std::string>> List() const;
  // All versions of one, first to last. kNotFound: there is no such incident.
  [[nodiscard]] Result<std::vector<IncidentVersion>> Versions(const std::string& id) const;
  // The next name for what is opened on that day, since 1970.
  [[nodiscard]] Result<std::string> NextId(int32_t day) const;
  // Durable when it returns. kInvalid: not the version that comes next.
  Result<void> Add(const IncidentVersion& version);

 private:
  IncidentStore(FileSystem& fs, std::string dir, const KeyRing& keys)
      : fs_(&fs), dir_(std::move(dir)), keys_(&keys) {}
  struct Name {
    std::string id;
    uint32_t number = 0;
    friend auto operator<=>(const Name&, const Name&) = default;
  };
  [[nodiscard]] Result<std::vector<Name>> Names() const;
  [[nodiscard]] std::string PathOf(const Name& name) const;
  [[nodiscard]] Result<IncidentVersion> Read(const Name& name) const;
  Result<void> Write(const Name& name, std::string_view body);
  Result<void> Rewrap(const Name& name);

  FileSystem* fs_;
  std::string dir_;
  const KeyRing* keys_;
};

}  // namespace bulkhead
