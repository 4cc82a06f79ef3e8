// Who has been told of what, so that a restart tells nobody again: keyed digests alone, so that the
// file says nothing to whoever steals it. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

class ToldFile {
 public:
  using Digest = std::array<uint8_t, 16>;
  static constexpr size_t kMaxDigests = 64UL * 1024;

  // The file is made at the first Add. Bytes at its end that are no digest are passed over.
  static Result<std::unique_ptr<ToldFile>> Open(FileSystem* fs, std::string path,
                                                const SecretBytes& key32);

  [[nodiscard]] Digest Of(std::string_view text) const;
  [[nodiscard]] bool Holds(const Digest& digest) const { return told_.contains(digest); }
  // Durable when it returns. Beyond kMaxDigests the file begins anew with what `still_wanted`
  // names: the rest concerns nobody any more.
  Result<void> Add(const std::set<Digest>& digests, const std::set<Digest>& still_wanted);

 private:
  ToldFile(FileSystem* fs, std::string path, const SecretBytes& key32)
      : fs_(fs), path_(std::move(path)), hash_(key32) {}

  FileSystem* fs_;
  std::string path_;
  KeyedHash hash_;
  std::set<Digest> told_;
};

}  // namespace bulkhead
