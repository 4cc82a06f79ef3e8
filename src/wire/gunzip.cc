#include "wire/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <new>

namespace bulkhead {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // zlib's way to say "gzip header and trailer only"
constexpr size_t kFirstBytes = 16UL * 1024;

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

// From the heap of C++, which a process may have wiped at every release (base/wiped_heap.h): the
// window holds what came out last.
void* Allocate(void* /*opaque*/, unsigned items, unsigned size) {
  return ::operator new(size_t{items} * size, std::nothrow);
}
void Release(void* /*opaque*/, void* block) { ::operator delete(block); }

Error Damaged() { return Error{ErrorCode::kInvalid, "body is not valid gzip"}; }

// Makes room for more output; one byte past the limit is allowed, to tell "exactly at it" from
// "past it".
bool Grow(std::string* out, size_t used, size_t max_bytes) {
  if (used < out->size()) return true;
  if (out->size() > max_bytes) return false;
  out->resize(std::min(out->size() * 2, max_bytes + 1));
  return true;
}

}  // namespace

Result<std::string> Gunzip(std::string_view compressed, size_t max_bytes) {
  z_stream stream{};
  stream.zalloc = Allocate;
  stream.zfree = Release;
  if (inflateInit2(&stream, kGzipWindowBits) != Z_OK) {
    return Error{ErrorCode::kUnavailable, "out of memory while inflating"};
  }
  const std::unique_ptr<z_stream, EndInflate> ender(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string out(std::min(std::max(compressed.size() * 4, kFirstBytes), max_bytes + 1), '\0');
  size_t used = 0;
  while (true) {
    if (!Grow(&out, used, max_bytes)) break;
    const size_t room = out.size() - used;
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream, Z_NO_FLUSH);
    used += room - stream.avail_out;
    if (used > max_bytes) break;
    if (status == Z_STREAM_END) {
      const std::string_view rest = compressed.substr(compressed.size() - stream.avail_in);
      if (rest.find_first_not_of('\0') == std::string_view::npos) {
        out.resize(used);
        return out;
      }
      if (inflateReset(&stream) != Z_OK) return Damaged();
    } else if (status != Z_OK || (stream.avail_in == 0 && stream.avail_out != 0)) {
      return Damaged();
    }
  }
  return Error{ErrorCode::kLimit,
               "request exceeds max limit of " + std::to_string(max_bytes) + " bytes"};
}

}  // namespace bulkhead
