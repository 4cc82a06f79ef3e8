// The root key opens the key file and nothing else. Where it comes from: a file, a descriptor, a
// systemd credential, or, for a trial, root.key beside what it protects.
#pragma once

#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

inline constexpr std::string_view kRootKeyFileName = "root.key";
inline constexpr std::string_view kRootKeyCredential = "bulkhead-root-key";

struct RootKeySource {
  enum class Kind { kBesideData = 1, kFile, kDescriptor, kCredential };
  Kind kind = Kind::kBesideData;
  std::string path;     // all but kDescriptor
  int descriptor = -1;  // kDescriptor: read to its end and closed by LoadRootKey
};

// What the command line said; empty and -1 where it said nothing.
struct RootKeyChoice {
  std::string file;
  int descriptor = -1;
};

// The descriptor or the file of the choice; else the credential where systemd gives one
// ($CREDENTIALS_DIRECTORY/bulkhead-root-key); else root.key in the directory of the keys. kInvalid:
// both were chosen.
Result<RootKeySource> FindRootKey(const RootKeyChoice& choice, const std::string& keys_dir);

// "the file /etc/bulkhead/root.key", "descriptor 3", ...
std::string DescribeRootKeySource(const RootKeySource& source);

// kNotFound: not there. kDenied: other users can read it. kCorruption: not a root key.
Result<SecretBytes> LoadRootKey(FileSystem& fs, const RootKeySource& source);
Result<SecretBytes> LoadRootKey(FileSystem& fs, const std::string& path);

// Its text form: "bulkhead-root-key-v1 ", 64 hexadecimal digits, newline.
SecretBytes FormatRootKey(const SecretBytes& root);
Result<SecretBytes> ParseRootKey(std::string_view text);  // kCorruption

// For `doctor` and the start of the server: where the key comes from, and whether whoever takes the
// data takes it too.
struct RootKeyReport {
  std::string text;
  bool apart = false;  // not inside the data directory
};
RootKeyReport ReportRootKey(const RootKeySource& source, const std::string& data_dir);

}  // namespace bulkhead
