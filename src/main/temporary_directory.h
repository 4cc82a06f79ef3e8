// A directory for a run that leaves nothing behind.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace bulkhead {

// Removed with all that is in it when this ends.
class TemporaryDirectory {
 public:
  // `what`: a part of its name.
  static Result<TemporaryDirectory> Make(const std::string& what);
  ~TemporaryDirectory();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace bulkhead
