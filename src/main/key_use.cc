#include "main/key_use.h"

#include <algorithm>
#include <string>
#include <vector>

#include "crypto/sealed_file.h"
#include "log/log_files.h"

namespace bulkhead {
namespace {

constexpr size_t kMagicBytes = 8;

Result<bool> LogNeeds(FileSystem& fs, const DataDirectory& dir, const KeyFact& key) {
  if (!fs.Exists(dir.Log())) {
    return false;
  }
  const Result<std::vector<LogFile>> files = ListLogFiles(fs, dir.Log());
  if (!files) {
    return files.error();
  }
  return std::any_of(files->begin(), files->end(), [&](const LogFile& file) {
    return std::any_of(file.header.boxes.begin(), file.header.boxes.end(),
                       [&](const LogKeyBox& box) { return box.reader == key.public_key; });
  });
}

// Files of before encryption name no key and need none.
Result<bool> FileNeeds(FileSystem& fs, const std::string& path, const KeyFact& key) {
  const Result<std::unique_ptr<ReadFile>> file = fs.OpenRead(path);
  const Result<std::string> head =
      file ? (*file)->ReadAt(0, 64) : Result<std::string>(file.error());
  if (!head) {
    return head.error().code == ErrorCode::kNotFound ? Result<bool>(false) : head.error();
  }
  const std::string_view magic = std::string_view(*head).substr(0, kMagicBytes);
  if (!magic.starts_with("BHMAN") && !magic.starts_with("BHFUN")) {
    return false;
  }
  if (magic.ends_with('\x01')) {
    return false;
  }
  const Result<uint32_t> wrapped = RingKeyOf({magic, ""}, *head);
  return wrapped ? Result<bool>(*wrapped == key.id) : wrapped.error();
}

Result<bool> StoreNeeds(FileSystem& fs, const DataDirectory& dir, const KeyFact& key) {
  const std::string store = dir.path() + "/store";
  if (!fs.Exists(store)) {
    return false;
  }
  const Result<std::vector<std::string>> names = fs.List(store);
  if (!names) {
    return names.error();
  }
  for (const std::string& name : *names) {
    const std::string path = store + "/" + name;
    const std::string manifest = path + "/MANIFEST";
    Result<bool> needs = FileNeeds(fs, name.starts_with("funnels-") ? path : manifest, key);
    if (!needs || *needs) {
      return needs;
    }
  }
  return false;
}

std::optional<bool> Told(bool needs) { return needs; }

}  // namespace

Result<std::optional<bool>> DataNeedsKey(FileSystem& fs, const DataDirectory& dir,
                                         const KeyFact& key) {
  const bool of_log = key.purpose == KeyPurpose::kCoreLog || key.purpose == KeyPurpose::kVaultLog;
  if (!of_log && key.purpose != KeyPurpose::kStore) {
    return std::optional<bool>();
  }
  const Result<bool> needs = of_log ? LogNeeds(fs, dir, key) : StoreNeeds(fs, dir, key);
  return needs ? Result<std::optional<bool>>(Told(*needs)) : needs.error();
}

}  // namespace bulkhead
