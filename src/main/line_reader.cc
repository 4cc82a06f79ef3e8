#include "main/line_reader.h"

#include <zlib.h>

#include <cstring>

#include "base/limits.h"

namespace bulkhead {
namespace {
constexpr size_t kBufferBytes = 1UL << 20;
}

Result<std::unique_ptr<LineReader>> LineReader::Open(const std::string& path, uint64_t skip_bytes) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) {
    return Error{ErrorCode::kNotFound, "cannot open " + path};
  }
  gzbuffer(file, 1U << 18);
  std::unique_ptr<LineReader> reader(new LineReader(file));
  reader->buffer_.resize(kBufferBytes);
  if (skip_bytes > 0 && gzseek(file, static_cast<z_off_t>(skip_bytes), SEEK_SET) < 0) {
    return Error{ErrorCode::kCorruption, path + " is shorter than what was imported of it before"};
  }
  reader->offset_ = skip_bytes;
  return reader;
}

LineReader::~LineReader() { gzclose(static_cast<gzFile>(file_)); }

uint64_t LineReader::compressed_offset() const {
  return static_cast<uint64_t>(gzoffset(static_cast<gzFile>(file_)));
}

Result<bool> LineReader::Fill() {
  const int got =
      gzread(static_cast<gzFile>(file_), buffer_.data(), static_cast<unsigned>(buffer_.size()));
  if (got < 0) {
    return Error{ErrorCode::kCorruption,
                 "the file's gzip data is damaged after inflated byte " + std::to_string(offset_)};
  }
  begin_ = 0;
  end_ = static_cast<size_t>(got);
  return got > 0;
}

Result<std::optional<std::string>> LineReader::Next() {
  std::string line;
  bool any = false;
  bool too_long = false;
  for (;;) {
    if (begin_ == end_) {
      Result<bool> filled = Fill();
      if (!filled) {
        return filled.error();
      }
      if (!*filled) {
        break;
      }
    }
    any = true;
    const char* start = buffer_.data() + begin_;
    const char* newline = static_cast<const char*>(std::memchr(start, '\n', end_ - begin_));
    const size_t length = newline != nullptr ? static_cast<size_t>(newline - start) : end_ - begin_;
    too_long = too_long || line.size() + length > limits::kMaxEventBytes;
    if (!too_long) {
      line.append(start, length);
    }
    const size_t consumed = length + (newline != nullptr ? 1 : 0);
    begin_ += consumed;
    offset_ += consumed;
    if (newline != nullptr) {
      break;
    }
  }
  if (too_long) {
    return Error{ErrorCode::kLimit,
                 "line is longer than " + std::to_string(limits::kMaxEventBytes) + " bytes"};
  }
  if (!any) {
    return std::optional<std::string>();
  }
  if (!line.empty() && line.back() == '\r') {
    line.pop_back();
  }
  return std::optional<std::string>(std::move(line));
}

}  // namespace bulkhead
