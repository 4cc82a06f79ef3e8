// The password that egress signs in to the mail relay with: one sealed file. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_ring.h"

namespace bulkhead {

class NoticeCredential {
 public:
  // Wraps the file under the newest key. `fs` and `keys` outlive it.
  static Result<std::unique_ptr<NoticeCredential>> Open(FileSystem& fs, std::string path,
                                                        const KeyRing& keys);
  // Durable when it returns; an empty one takes it away.
  Result<void> Set(const SecretBytes& password);
  [[nodiscard]] SecretBytes Get() const;   // empty: there is none
  [[nodiscard]] uint64_t changes() const;  // so that a connection of before is known

 private:
  NoticeCredential(FileSystem& fs, std::string path, const KeyRing& keys)
      : fs_(fs), path_(std::move(path)), keys_(keys) {}
  Result<void> Write(const SecretBytes& password);

  FileSystem& fs_;
  const std::string path_;
  const KeyRing& keys_;
  mutable std::mutex mutex_;
  SecretBytes password_;
  uint64_t changes_ = 0;
};

}  // namespace bulkhead
