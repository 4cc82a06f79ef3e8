#include "crypto/root_key.h"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "crypto/secret_input.h"

namespace bulkhead {
namespace {

constexpr std::string_view kPrefix = "bulkhead-root-key-v1 ";
constexpr size_t kHexBytes = 2 * kKeyBytes;

Error NoRootKey(std::string what) {
  return Error{ErrorCode::kCorruption,
               std::move(what) + " is not a root key of a version that is known"};
}

// Group bits of a credential are the mask of the access list that lets the service's own user in.
bool OpenToOthers(const RootKeySource& source) {
  struct stat info {};
  const mode_t closed =
      source.kind == RootKeySource::Kind::kCredential ? S_IRWXO : S_IRWXG | S_IRWXO;
  return ::stat(source.path.c_str(), &info) == 0 && (info.st_mode & closed) != 0;
}

std::optional<std::filesystem::path> Canonical(const std::string& path) {
  std::error_code failed;
  std::filesystem::path canonical = std::filesystem::canonical(path, failed);
  return failed ? std::nullopt : std::make_optional(std::move(canonical));
}

bool LiesInside(const std::string& path, const std::string& dir) {
  const auto file = Canonical(path);
  const auto root = Canonical(dir);
  if (!file || !root) {
    return true;  // not known to be outside
  }
  auto part = file->begin();
  for (const auto& wanted : *root) {
    if (part == file->end() || *part++ != wanted) {
      return false;
    }
  }
  return true;
}

bool OnSameDisk(const std::string& path, const std::string& dir) {
  struct stat file {
  }, data{};
  return ::stat(path.c_str(), &file) != 0 || ::stat(dir.c_str(), &data) != 0 ||
         file.st_dev == data.st_dev;
}

}  // namespace

Result<RootKeySource> FindRootKey(const RootKeyChoice& choice, const std::string& keys_dir) {
  using Kind = RootKeySource::Kind;
  if (!choice.file.empty() && choice.descriptor >= 0) {
    return Error{ErrorCode::kInvalid, "the root key from a file or from a descriptor, not both"};
  }
  if (choice.descriptor >= 0) {
    return RootKeySource{Kind::kDescriptor, "", choice.descriptor};
  }
  if (!choice.file.empty()) {
    return RootKeySource{Kind::kFile, choice.file, -1};
  }
  if (const char* credentials = std::getenv("CREDENTIALS_DIRECTORY"); credentials != nullptr) {
    std::string path = std::string(credentials) + "/" + std::string(kRootKeyCredential);
    if (::access(path.c_str(), F_OK) == 0) {
      return RootKeySource{Kind::kCredential, std::move(path), -1};
    }
  }
  return RootKeySource{Kind::kBesideData, keys_dir + "/" + std::string(kRootKeyFileName), -1};
}

std::string DescribeRootKeySource(const RootKeySource& source) {
  switch (source.kind) {
    case RootKeySource::Kind::kDescriptor:
      return "descriptor " + std::to_string(source.descriptor);
    case RootKeySource::Kind::kCredential:
      return "the systemd credential " + std::string(kRootKeyCredential);
    default:
      return "the file " + source.path;
  }
}

Result<SecretBytes> LoadRootKey(FileSystem& fs, const RootKeySource& source) {
  if (source.kind == RootKeySource::Kind::kDescriptor) {
    const Result<SecretBytes> given = ReadSecretDescriptor(source.descriptor);
    if (!given) {
      return given.error();
    }
    Result<SecretBytes> root = ParseRootKey(given->view());
    return root ? std::move(root)
                : NoRootKey("what descriptor " + std::to_string(source.descriptor) + " gives");
  }
  if (OpenToOthers(source)) {
    return Error{ErrorCode::kDenied, source.path + " can be read by other users: chmod 600 it"};
  }
  Result<std::unique_ptr<ReadFile>> file = fs.OpenRead(source.path);
  if (!file) {
    return source.kind == RootKeySource::Kind::kBesideData &&
                   file.error().code == ErrorCode::kNotFound
               ? Error{ErrorCode::kNotFound,
                       "there is no " + source.path +
                           ": give --root-key FILE, --root-key-fd N or the credential " +
                           std::string(kRootKeyCredential)}
               : file.error();
  }
  Result<std::string> text = (*file)->ReadAt(0, kMaxSecretInputBytes + 1);
  if (!text) {
    return text.error();
  }
  Result<SecretBytes> root = ParseRootKey(*text);
  Wipe(&*text);
  return root ? std::move(root) : NoRootKey(source.path);
}

Result<SecretBytes> LoadRootKey(FileSystem& fs, const std::string& path) {
  return LoadRootKey(fs, RootKeySource{RootKeySource::Kind::kFile, path, -1});
}

SecretBytes FormatRootKey(const SecretBytes& root) {
  Check(root.size() == kKeyBytes, "a root key has 32 bytes");
  SecretBytes hex(kHexBytes + 1);  // sodium's ends with a zero, whose place the newline takes
  sodium_bin2hex(reinterpret_cast<char*>(hex.data()), hex.size(), root.data(), root.size());
  hex.data()[kHexBytes] = '\n';
  SecretBytes text(kPrefix.size() + hex.size());
  std::memcpy(text.data(), kPrefix.data(), kPrefix.size());
  std::memcpy(text.data() + kPrefix.size(), hex.data(), hex.size());
  return text;
}

Result<SecretBytes> ParseRootKey(std::string_view text) {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  SecretBytes root(kKeyBytes);
  size_t size = 0;
  if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + kHexBytes ||
      sodium_hex2bin(root.data(), root.size(), text.data() + kPrefix.size(), kHexBytes, nullptr,
                     &size, nullptr) != 0 ||
      size != kKeyBytes) {
    return NoRootKey("this");
  }
  return root;
}

RootKeyReport ReportRootKey(const RootKeySource& source, const std::string& data_dir) {
  const std::string from = "the root key comes from " + DescribeRootKeySource(source);
  if (source.kind == RootKeySource::Kind::kDescriptor) {
    return {from, true};
  }
  if (LiesInside(source.path, data_dir)) {
    return {from +
                ", INSIDE the data directory: whoever takes the data takes the key with it. "
                "Right for a trial only",
            false};
  }
  if (source.kind == RootKeySource::Kind::kFile && OnSameDisk(source.path, data_dir)) {
    return {
        from + ", apart from the data but on the same file system: a thief of the disk has both",
        true};
  }
  return {from + ", apart from the data", true};
}

}  // namespace bulkhead
