#include "channel/status_board.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <ctime>
#include <new>
#include <thread>
#include <utility>

#include "base/check.h"

namespace bulkhead {
namespace {
constexpr int kReadTries = 50;
}  // namespace

struct StatusBoard::Page {
  std::atomic<uint32_t> changes{0};
  std::array<std::atomic<uint64_t>, kBoardNumbers> numbers{};
  struct Text {
    std::atomic<uint32_t> version{0};  // odd while it is being written
    std::atomic<uint32_t> size{0};
    std::array<char, kBoardTextBytes> bytes{};
  };
  std::array<Text, kBoardTexts> texts{};
};

static_assert(std::atomic<uint64_t>::is_always_lock_free, "the page is shared between processes");

Result<std::unique_ptr<StatusBoard>> StatusBoard::Make() {
  Descriptor memory(::memfd_create("bulkhead-status", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.valid() || ::ftruncate(memory.get(), sizeof(Page)) != 0 ||
      ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    return Error{ErrorCode::kUnavailable, "cannot make shared memory"};
  }
  return Map(memory, true);
}

Result<std::unique_ptr<StatusBoard>> StatusBoard::Map(const Descriptor& memory, bool writable) {
  const off_t size = ::lseek(memory.get(), 0, SEEK_END);
  Descriptor own(::fcntl(memory.get(), F_DUPFD_CLOEXEC, 0));
  if (!own.valid() || size != static_cast<off_t>(sizeof(Page))) {
    return Error{ErrorCode::kInvalid, "no status board"};
  }
  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void* mapped = ::mmap(nullptr, sizeof(Page), protection, MAP_SHARED, own.get(), 0);
  if (mapped == MAP_FAILED) {
    return Error{ErrorCode::kUnavailable, "cannot map a status board"};
  }
  return std::unique_ptr<StatusBoard>(
      new StatusBoard(std::move(own), static_cast<Page*>(mapped), writable));
}

StatusBoard::~StatusBoard() { ::munmap(page_, sizeof(Page)); }

Result<Descriptor> StatusBoard::ReadOnlyDescriptor() const {
  // Opened anew: a duplicate would share the right to write.
  const std::string path = "/proc/self/fd/" + std::to_string(memory_.get());
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor.valid()) {
    return Error{ErrorCode::kUnavailable, "cannot open a status board for reading"};
  }
  return descriptor;
}

uint64_t StatusBoard::Get(size_t number) const {
  return page_->numbers.at(number).load(std::memory_order_acquire);
}

void StatusBoard::Set(size_t number, uint64_t value) {
  Check(writable_, "only the owner of a board writes on it");
  page_->numbers.at(number).store(value, std::memory_order_release);
  page_->changes.fetch_add(1, std::memory_order_release);
  ::syscall(SYS_futex, &page_->changes, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

uint32_t StatusBoard::changes() const { return page_->changes.load(std::memory_order_acquire); }

void StatusBoard::WaitForChange(uint32_t seen, std::chrono::milliseconds timeout) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timespec wait{seconds.count(), std::chrono::nanoseconds(timeout - seconds).count()};
  ::syscall(SYS_futex, &page_->changes, FUTEX_WAIT, seen, &wait, nullptr, 0);
}

void StatusBoard::SetText(size_t text, std::string_view bytes) {
  Check(writable_, "only the owner of a board writes on it");
  Page::Text& slot = page_->texts.at(text);
  const size_t size = std::min(bytes.size(), kBoardTextBytes);
  const uint32_t version = slot.version.load(std::memory_order_relaxed) | 1;
  slot.version.store(version, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  slot.size.store(static_cast<uint32_t>(size), std::memory_order_relaxed);
  std::memcpy(slot.bytes.data(), bytes.data(), size);
  slot.version.store(version + 1, std::memory_order_release);
}

std::string StatusBoard::Text(size_t text) const {
  const Page::Text& slot = page_->texts.at(text);
  for (int i = 0; i < kReadTries; ++i) {
    const uint32_t before = slot.version.load(std::memory_order_acquire);
    const size_t size =
        std::min<size_t>(slot.size.load(std::memory_order_relaxed), kBoardTextBytes);
    if ((before & 1) == 0) {
      std::string copy(slot.bytes.data(), size);
      std::atomic_thread_fence(std::memory_order_seq_cst);
      if (slot.version.load(std::memory_order_relaxed) == before) {
        return copy;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return "";
}

}  // namespace bulkhead
