#include "crypto/secret_input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bulkhead {

Result<SecretBytes> ReadSecretDescriptor(int descriptor) {
  SecretBytes buffer(kMaxSecretInputBytes + 1);
  size_t size = 0;
  ssize_t got = 0;
  do {
    got = ::read(descriptor, buffer.data() + size, buffer.size() - size);
    size += got > 0 ? static_cast<size_t>(got) : 0;
  } while (size < buffer.size() && (got > 0 || (got < 0 && errno == EINTR)));
  const int failure = got < 0 ? errno : 0;
  ::close(descriptor);
  if (failure != 0) {
    return Error{ErrorCode::kUnavailable, "cannot read descriptor " + std::to_string(descriptor) +
                                              ": " + std::strerror(failure)};
  }
  if (size > kMaxSecretInputBytes) {
    return Error{ErrorCode::kInvalid,
                 "descriptor " + std::to_string(descriptor) + " gives more than a key"};
  }
  return SecretBytes(buffer.view().substr(0, size));
}

Result<SecretBytes> ReadSecretFile(const std::string& path, bool group_may) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return Error{errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                 "cannot open " + path + ": " + std::strerror(errno)};
  }
  struct stat info {};
  const mode_t closed = group_may ? S_IRWXO : S_IRWXG | S_IRWXO;
  if (::fstat(fd, &info) != 0 || (info.st_mode & closed) != 0) {
    ::close(fd);
    return Error{ErrorCode::kDenied, path + " can be read by other users: chmod 600 it"};
  }
  Result<SecretBytes> bytes = ReadSecretDescriptor(fd);
  return bytes ? std::move(bytes) : Error{bytes.error().code, path + ": " + bytes.error().message};
}

}  // namespace bulkhead
