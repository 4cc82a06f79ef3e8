#include "main/temporary_directory.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>

namespace bulkhead {

Result<TemporaryDirectory> TemporaryDirectory::Make(const std::string& what) {
  std::string path =
      (std::filesystem::temp_directory_path() / ("bulkhead-" + what + "-XXXXXX")).string();
  if (::mkdtemp(path.data()) == nullptr) {
    return Error{ErrorCode::kUnavailable, "cannot make a temporary directory"};
  }
  ::chmod(path.c_str(), 0711);  // the compartments have users of their own
  return TemporaryDirectory(path);
}

TemporaryDirectory::~TemporaryDirectory() {
  if (!path_.empty()) {
    std::error_code code;
    std::filesystem::remove_all(path_, code);
  }
}

}  // namespace bulkhead
