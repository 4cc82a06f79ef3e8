#include "log/log_cipher.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "base/byte_codec.h"
#include "base/check.h"

namespace bulkhead {
namespace {

constexpr std::string_view kAssociatedMagic = "BULKHLOG";
constexpr size_t kGroupBytes = sizeof(uint32_t) + sizeof(LogSalt);              // number and salt
constexpr size_t kAuthenticatedFrameBytes = kLogFrameBytes - sizeof(uint32_t);  // all but the crc
static_assert(kLogBodyOverheadBytes == kGroupBytes + RecordCipher::kOverheadBytes);

SecretBytes NextLink(const SecretBytes& chain) {
  return DeriveKey(chain, "bulkhead log next group");
}
SecretBytes GroupKey(const SecretBytes& chain, const LogSalt& salt) {
  return DeriveKey(chain, std::string("bulkhead log group key").append(salt.data(), salt.size()));
}
LogSalt RandomSalt() {
  std::array<uint8_t, sizeof(LogSalt)> bytes{};
  RandomBytes(bytes);
  return std::bit_cast<LogSalt>(bytes);
}

// Ties a record to the format, its file, its place, its group and its size.
std::string Associated(uint64_t key_origin, std::string_view record) {
  std::string bytes(kAssociatedMagic);
  ByteWriter writer(&bytes);
  writer.Fixed(kLogVersion);
  writer.Fixed(key_origin);
  writer.Raw(record.substr(0, kAuthenticatedFrameBytes));
  writer.Raw(record.substr(kLogFrameBytes, kGroupBytes));
  return bytes;
}

}  // namespace

Result<void> CheckLogReaders(const std::vector<LogReaderKey>& readers) {
  if (readers.empty() || readers.size() > kMostLogReaders) {
    return Error{ErrorCode::kInvalid, fmt::format("a log has 1 to {} readers", kMostLogReaders)};
  }
  return {};
}

LogEncryptor LogEncryptor::Begin(const std::vector<LogReaderKey>& readers, LogHeader* header) {
  LogEncryptor encryptor(RandomSecret(kKeyBytes), header->start, RandomSalt);
  header->key_origin = header->start;
  header->boxes.clear();
  SecretBytes opened(kKeyBytes + sizeof(uint64_t));
  std::copy_n(encryptor.chain_.data(), kKeyBytes, opened.data());
  for (size_t i = 0; i < sizeof(uint64_t); ++i) {
    opened.data()[kKeyBytes + i] = static_cast<uint8_t>(header->key_origin >> (8 * i));
  }
  for (const LogReaderKey& reader : readers) {
    const std::string sealed = Seal(reader, opened.view());
    LogKeyBox& box = header->boxes.emplace_back();
    box.reader = reader;
    Check(sealed.size() == box.sealed.size(), "a sealed box has the size of its format");
    std::copy(sealed.begin(), sealed.end(), box.sealed.begin());
  }
  return encryptor;
}

LogEncryptor::LogEncryptor(SecretBytes file_key, uint64_t key_origin,
                           std::function<LogSalt()> make_salt)
    : chain_(std::move(file_key)), key_origin_(key_origin), make_salt_(std::move(make_salt)) {}

void LogEncryptor::AppendRecord(std::string_view payload, uint64_t position, uint64_t group_start,
                                std::string* out) {
  Check(group_ < kMostGroupsInLogFile, "a log file has a bounded number of groups");
  if (!cipher_) {
    salt_ = make_salt_();
    cipher_.emplace(GroupKey(chain_, salt_));
  }
  LogFrame frame;
  frame.position = position;
  frame.group_start = group_start;
  frame.body_bytes = static_cast<uint32_t>(payload.size() + kLogBodyOverheadBytes);
  const size_t frame_at = BeginLogRecord(frame, kLogVersion, out);
  char* body = out->data() + frame_at + kLogFrameBytes;
  for (size_t i = 0; i < sizeof(group_); ++i) {
    body[i] = static_cast<char>(group_ >> (8 * i));
  }
  std::copy(salt_.begin(), salt_.end(), body + sizeof(group_));
  cipher_->Encrypt(position, payload,
                   Associated(key_origin_, std::string_view(*out).substr(frame_at)),
                   body + kGroupBytes);
  FinishLogRecord(frame_at, out);
}

void LogEncryptor::EndGroup() {
  cipher_.reset();
  chain_ = NextLink(chain_);
  ++group_;
}

Result<LogDecryptor> LogDecryptor::Open(const LogHeader& header, const SealKeyRing& keys) {
  LogDecryptor decryptor;
  decryptor.version_ = header.version;
  decryptor.key_origin_ = header.key_origin;
  if (header.version == 1) {
    return decryptor;
  }
  for (const LogKeyBox& box : header.boxes) {
    const SealKeyPair* pair = keys.Find(box.reader);
    if (pair == nullptr) {
      continue;
    }
    const std::string_view sealed(reinterpret_cast<const char*>(box.sealed.data()),
                                  box.sealed.size());
    const Result<SecretBytes> opened = Unseal(pair->public_key, pair->private_key, sealed);
    if (!opened) {
      return Error{ErrorCode::kCorruption, "the sealed key of the log file does not open"};
    }
    ByteReader reader(opened->view());
    decryptor.file_key_ = SecretBytes(reader.Raw(kKeyBytes));
    if (reader.Fixed<uint64_t>() != header.key_origin) {
      return Error{ErrorCode::kCorruption, "the log file holds the sealed key of another file"};
    }
    return decryptor;
  }
  return Error{ErrorCode::kDenied, "the log file is sealed to none of this reader's keys"};
}

Result<std::string> LogDecryptor::Open(const LogFrame& frame, std::string_view record) {
  const std::string_view body = record.substr(kLogFrameBytes, frame.body_bytes);
  if (version_ == 1) {
    return std::string(body);
  }
  ByteReader reader(body);
  const auto group = reader.Fixed<uint32_t>();
  const auto salt = reader.Fixed<LogSalt>();
  const bool goes_back = frame.position > last_position_ && group < last_group_;
  if (group >= kMostGroupsInLogFile || goes_back) {
    return Error{ErrorCode::kCorruption, "a log record has an impossible group number"};
  }
  GoToGroup(group, salt);
  std::string payload(body.size() - kLogBodyOverheadBytes, '\0');
  if (Result<void> opened = cipher_->Decrypt(frame.position, body.substr(kGroupBytes),
                                             Associated(key_origin_, record), payload.data());
      !opened) {
    return opened.error();
  }
  last_position_ = frame.position;
  last_group_ = group;
  return payload;
}

void LogDecryptor::GoToGroup(uint32_t group, const LogSalt& salt) {
  if (chain_.empty() || group < group_) {
    chain_ = SecretBytes(file_key_.view());
    group_ = 0;
    cipher_.reset();
  }
  for (; group_ < group; ++group_) {
    chain_ = NextLink(chain_);
    cipher_.reset();
  }
  if (!cipher_ || salt != salt_) {
    salt_ = salt;
    cipher_.emplace(GroupKey(chain_, salt));
  }
}

}  // namespace bulkhead
