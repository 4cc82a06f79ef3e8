// How records are encrypted, so that a stolen directory shows sizes only, and so that the writer
// cannot read back what it wrote (docs/formats/log.md).
//
// Each file has a key of its own, which its header holds sealed to each reader. From it follows a
// chain, one link per group:
//
//   chain[0] = file key             chain[n+1] = HKDF(chain[n], "bulkhead log next group")
//                                   key of group n = HKDF(chain[n], "bulkhead log group key" salt)
//
// The writer keeps the newest link alone. Whoever takes it can encrypt and read what follows in
// this file, and nothing that is before. The salt is random, for each group anew: a process that is
// set back to an earlier state (a snapshot of a virtual machine) goes on with the same link and yet
// encrypts nothing else under the same key.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_ring.h"
#include "crypto/record_cipher.h"
#include "log/log_format.h"

namespace bulkhead {

// kInvalid unless there are 1 to kMostLogReaders.
Result<void> CheckLogReaders(const std::vector<LogReaderKey>& readers);

using LogSalt = std::array<char, 8>;

// The writer's side, of one file.
class LogEncryptor {
 public:
  // A fresh random key for the file that begins at header->start; puts it, sealed to each reader,
  // into the header.
  static LogEncryptor Begin(const std::vector<LogReaderKey>& readers, LogHeader* header);
  // With a key and salts that are not random: for tests.
  LogEncryptor(SecretBytes file_key, uint64_t key_origin, std::function<LogSalt()> make_salt);

  // Appends a whole record of the present group to `out`.
  void AppendRecord(std::string_view payload, uint64_t position, uint64_t group_start,
                    std::string* out);
  // The present group is complete: destroys what could open it.
  void EndGroup();
  [[nodiscard]] uint32_t group() const { return group_; }

 private:
  SecretBytes chain_;
  uint64_t key_origin_;
  std::function<LogSalt()> make_salt_;
  uint32_t group_ = 0;
  LogSalt salt_{};                      // of the present group, once it has a record
  std::optional<RecordCipher> cipher_;  // likewise
};

// A reader's side, of one file.
class LogDecryptor {
 public:
  // `keys` are those of one reader. kDenied: the file is sealed to none of them; kCorruption: its
  // box does not open, or is another file's. A file of version 1 needs no key.
  static Result<LogDecryptor> Open(const LogHeader& header, const SealKeyRing& keys);

  // The payload of a whole record, frame included, whose checksum is right. kCorruption where it is
  // not what the writer encrypted for this place. In order of position; going back is possible and
  // slow.
  Result<std::string> Open(const LogFrame& frame, std::string_view record);

 private:
  LogDecryptor() = default;
  void GoToGroup(uint32_t group, const LogSalt& salt);

  uint32_t version_ = 1;
  uint64_t key_origin_ = 0;
  SecretBytes file_key_;
  SecretBytes chain_;
  uint32_t group_ = 0;                  // of chain_
  LogSalt salt_{};                      // of cipher_
  std::optional<RecordCipher> cipher_;  // of group_
  uint64_t last_position_ = 0;          // of the last record that opened
  uint32_t last_group_ = 0;
};

}  // namespace bulkhead
