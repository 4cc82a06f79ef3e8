// The catalogue's database in memory and its encrypted file: reads it, notices what other processes
// write, writes changes as a whole. Not thread-safe. File system and keys must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "access/catalogue_database.h"
#include "access/catalogue_file.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"

namespace bulkhead {

enum class CatalogueMode : uint8_t {
  kReadOnly = 1,  // opens the file for reading and nothing else
  kReadWrite,     // there must be one
  kCreate,        // an empty one is made if there is none
};

class CatalogueStore {
 public:
  // Errors are those of DecodeCatalogue, kNotFound where there is none, and the file system's. A
  // writer brings a file that lies under an older key under the newest.
  static Result<CatalogueStore> Open(FileSystem& fs, const std::string& path, const KeyRing& keys,
                                     CatalogueMode mode);

  // True: another process had changed the file, and it was read anew. kCorruption also where a
  // state that does not follow the one in memory has taken its place; memory stays as it is then.
  Result<bool> Refresh();

  // Runs `change` on the newest state and writes the result; other writers wait meanwhile. After an
  // error memory is as before; the file too, unless it was the disk that failed: then it may have
  // either state, and the next Refresh tells. kDenied for a reader.
  Result<void> Change(const std::function<Result<void>(CatalogueDatabase&)>& change);

  [[nodiscard]] CatalogueDatabase& database() { return database_; }
  [[nodiscard]] uint64_t generation() const { return generation_; }

 private:
  CatalogueStore(FileSystem& fs, std::string path, const KeyRing& keys, CatalogueMode mode,
                 CatalogueDatabase empty)
      : fs_(&fs), path_(std::move(path)), keys_(&keys), mode_(mode), database_(std::move(empty)) {}

  Result<std::unique_ptr<PathLock>> Lock();
  Result<void> OpenForWriting();
  Result<void> Load();
  Result<void> Write();

  FileSystem* fs_;
  std::string path_;
  const KeyRing* keys_;
  CatalogueMode mode_;
  CatalogueDatabase database_;
  uint64_t generation_ = 0;
  uint32_t key_id_ = 0;
  std::string tag_;  // of the file that is in memory; empty: unknown
};

// An older program kept the catalogue as a plain SQLite database at `plain_path`. Writes it,
// encrypted, to `path`, then removes it. True: there was one. Only while no other process uses
// either. kInvalid where both exist and differ: somebody must decide.
Result<bool> AdoptPlainCatalogue(FileSystem& fs, const std::string& plain_path,
                                 const std::string& path, const KeyRing& keys);

}  // namespace bulkhead
