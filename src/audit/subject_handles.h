// What stands for a subject in the sets beside the log: a handle, which is a commitment to the
// subject under a nonce that only this table knows. Forgetting the nonce makes every set that the
// handle is in silent about that subject, and changes no set: so an erasure reaches all of them at
// once, and the log's commitments stay true.
//
// handle = first 16 bytes of SHA-256("bulkhead audit subject v1\n", nonce, subject)
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <compare>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "model/ids.h"

namespace bulkhead {

struct SubjectHandle {
  std::array<uint8_t, 16> bytes{};
  friend auto operator<=>(const SubjectHandle&, const SubjectHandle&) = default;
};

struct SubjectHandleHash {
  size_t operator()(const SubjectHandle& handle) const {
    size_t hash = 0;
    std::memcpy(&hash, handle.bytes.data(), sizeof(hash));
    return hash;
  }
};

// The table, encrypted in one file that grows with the first read of each subject; its backups must
// be kept as short as those of the vault's subject keys. About 60 bytes of memory a subject.
// Thread-safe.
class SubjectHandles {
 public:
  // Reads the file, where there is one. kCorruption: it does not open under these keys, which
  // outlive the object. What is written is written under the newest.
  static Result<std::unique_ptr<SubjectHandles>> Open(FileSystem& fs, std::string path,
                                                      const KeyRing* keys);

  // The handles of these subjects, in their order. New ones are in memory only until Save.
  std::vector<SubjectHandle> Assign(std::span<const SubjectId> subjects);
  // The same without making any: nothing where a subject has none.
  [[nodiscard]] std::vector<std::optional<SubjectHandle>> Find(
      std::span<const SubjectId> subjects) const;
  // Makes every handle that was given so far durable.
  Result<void> Save();
  // Takes these subjects' nonces out of memory and file; afterwards nobody can tell which handles
  // were theirs.
  Result<void> Forget(std::span<const SubjectId> subjects);
  // Whether the file is still the one that this object has read and written.
  Result<bool> IsCurrent() const;
  Result<void> Reload();
  // Writes the file anew where something in it is under an older key.
  Result<void> Rewrap();

  struct Resolved {
    std::vector<SubjectId> subjects;  // sorted
    uint64_t forgotten = 0;           // handles that nothing is known of any more
  };
  // `handles` sorted, each once.
  [[nodiscard]] Resolved Resolve(std::span<const SubjectHandle> handles) const;

 private:
  struct Row {
    SubjectId subject;
    std::array<uint8_t, 16> nonce{};
  };
  SubjectHandles(FileSystem& fs, std::string path, const KeyRing* keys);
  static SubjectHandle HandleOf(const Row& row);
  Result<void> Load();
  Result<void> ReadChunks(std::string_view bytes);
  [[nodiscard]] bool IsFollowedByLaterSave(std::string_view bytes, size_t from) const;
  void AddRow(const Row& row);
  Result<void> WriteNew(std::span<const Row> rows);
  Result<void> AppendRows(std::span<const Row> rows);
  // One save's rows in as many chunks as they need.
  [[nodiscard]] std::string EncodeSave(std::span<const Row> rows, uint32_t save) const;
  [[nodiscard]] std::string EncodeChunk(std::span<const Row> rows, uint32_t save,
                                        uint32_t part) const;
  [[nodiscard]] std::string Associated(uint32_t save, uint32_t part) const;

  FileSystem& fs_;
  const std::string path_;
  const KeyRing& keys_;
  mutable std::mutex mutex_;
  std::vector<Row> rows_;
  boost::unordered_flat_map<SubjectId, uint32_t, SubjectIdHash> by_subject_;  // into rows_
  size_t saved_rows_ = 0;
  std::string file_id_;      // empty: there is no file yet
  uint64_t good_bytes_ = 0;  // of the file; what lies behind is of a write that failed
  uint32_t saves_ = 0;       // in the file
  bool torn_ = false;
  bool needs_old_key_ = false;  // something in the file is under another key than the newest
};

}  // namespace bulkhead
