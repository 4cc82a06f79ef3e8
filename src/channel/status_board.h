// A page on which one compartment writes how far it has come and all others read: positions in the
// log, counts, and a few texts. The memory is the kernel's (memfd), so that it outlives the
// compartment; readers get a descriptor that cannot be written.
//
// Readers must not trust what they read more than the compartment that wrote it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "channel/descriptor.h"

namespace bulkhead {

// Numbers on the board; their meaning is the compartment's.
inline constexpr size_t kBoardNumbers = 64;
inline constexpr size_t kBoardTexts = 3;
inline constexpr size_t kBoardTextBytes = 4UL * 1024 * 1024;

class StatusBoard {
 public:
  // A new one, all zeros.
  static Result<std::unique_ptr<StatusBoard>> Make();
  // From a descriptor that was handed over.
  static Result<std::unique_ptr<StatusBoard>> Map(const Descriptor& memory, bool writable);
  ~StatusBoard();
  StatusBoard(const StatusBoard&) = delete;
  StatusBoard& operator=(const StatusBoard&) = delete;

  // For the compartment that writes, and one for those that read; only of a board that was made.
  [[nodiscard]] int descriptor() const { return memory_.get(); }
  [[nodiscard]] Result<Descriptor> ReadOnlyDescriptor() const;

  [[nodiscard]] uint64_t Get(size_t number) const;
  // Wakes whoever waits for a change.
  void Set(size_t number, uint64_t value);
  // Waits until any number was set since `seen`, a former value of changes().
  void WaitForChange(uint32_t seen, std::chrono::milliseconds timeout) const;
  [[nodiscard]] uint32_t changes() const;

  // Cut at kBoardTextBytes. One thread at a time writes a text.
  void SetText(size_t text, std::string_view bytes);
  // Empty where the writer never rests long enough, or died in the middle.
  [[nodiscard]] std::string Text(size_t text) const;

 private:
  struct Page;
  StatusBoard(Descriptor memory, Page* page, bool writable)
      : memory_(std::move(memory)), page_(page), writable_(writable) {}
  Descriptor memory_;
  Page* page_;
  bool writable_;
};

}  // namespace bulkhead
