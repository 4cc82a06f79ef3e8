#include "egress/vendor_queue.h"

#include <algorithm>
#include <future>
#include <utility>

#include "egress/saved_position.h"

namespace bulkhead {
namespace {

constexpr uint64_t kQueueFileBytes = uint64_t{16} << 20;
constexpr size_t kMaxWaiting = size_t{32} << 20;  // in memory, of one Put at a time
constexpr size_t kMovedBytes = size_t{4} << 20;   // by Rewrite, before what they were is removed
// Beyond a full queue, for Rewrite: a file that is left goes as a whole.
constexpr uint64_t kRewriteRoom = 4 * kQueueFileBytes;

std::string DonePath(const std::string& dir) { return dir + "/done"; }

}  // namespace

Result<std::unique_ptr<VendorQueue>> VendorQueue::Open(FileSystem& fs, const std::string& dir,
                                                       const SealKeyPair& keys,
                                                       const Options& options) {
  std::unique_ptr<VendorQueue> queue(new VendorQueue(fs, dir));
  if (Result<void> made = fs.CreateDirs(dir); !made) {
    return made.error();
  }
  if (Result<void> loaded = queue->LoadDone(); !loaded) {
    return loaded.error();
  }
  queue->keys_.Add({keys.public_key, SecretBytes(keys.private_key.view())});
  LogWriterOptions writing;
  writing.file_bytes = kQueueFileBytes;
  writing.max_total_bytes = options.max_bytes == 0 ? 0 : options.max_bytes + kRewriteRoom;
  queue->max_bytes_ = options.max_bytes;
  writing.max_queued_bytes = kMaxWaiting;
  // Never a position again that was done with, whatever was lost.
  writing.at_least_position = queue->done_;
  Result<std::unique_ptr<LogWriter>> writer =
      LogWriter::Open(fs, dir + "/log", {keys.public_key}, std::move(writing));
  if (!writer) {
    return writer.error();
  }
  queue->writer_ = *std::move(writer);
  return queue;
}

Result<void> VendorQueue::LoadDone() {
  if (!fs_.Exists(DonePath(dir_))) {
    return {};
  }
  const Result<std::string> bytes = fs_.ReadWhole(DonePath(dir_));
  if (!bytes) {
    return bytes.error();
  }
  const std::optional<uint64_t> position = DecodePosition(*bytes);
  if (!position) {
    return Error{ErrorCode::kCorruption, DonePath(dir_) + " is damaged"};
  }
  done_ = *position;
  return {};
}

Result<void> VendorQueue::Put(std::string payload) {
  if (max_bytes_ != 0 && bytes() + payload.size() > max_bytes_) {
    return Error{ErrorCode::kLimit, "the queue is full"};
  }
  return Append(std::move(payload));
}

Result<void> VendorQueue::Append(std::string payload) {
  std::promise<Result<uint64_t>> written;
  writer_->Append(std::move(payload), [&written](Result<uint64_t> position) {
    written.set_value(std::move(position));
  });
  const Result<uint64_t> position = written.get_future().get();
  return position ? Result<void>() : position.error();
}

// From what is done with, or from the oldest where that was trimmed or never was.
Result<void> VendorQueue::OpenReader() {
  const uint64_t first = writer_->stats().first_position;
  const uint64_t from = done_ < first ? first : done_.load();
  Result<LogFollower> reader =
      LogFollower::Open(fs_, dir_ + "/log", keys_, from, [this] { return writer_->durable_end(); });
  if (!reader) {
    return reader.error();
  }
  reader_ = *std::move(reader);
  return {};
}

Result<std::optional<QueuedPayload>> VendorQueue::Take() {
  if (!reader_) {
    if (empty()) {
      return std::optional<QueuedPayload>();
    }
    if (Result<void> opened = OpenReader(); !opened) {
      return opened.error();
    }
  }
  Result<std::optional<LogRecord>> record = reader_->Next();
  if (!record) {
    return record.error();
  }
  if (!*record) {
    return std::optional<QueuedPayload>();
  }
  return std::optional<QueuedPayload>(
      QueuedPayload{(*record)->position, (*record)->next_position, std::move((*record)->payload)});
}

Result<void> VendorQueue::Done(uint64_t position) {
  Result<void> saved = fs_.WriteFileAtomically(DonePath(dir_), EncodePosition(position));
  if (!saved) {
    return saved;
  }
  done_ = position;
  return writer_->TrimBefore(position);
}

Result<void> VendorQueue::Rewrite(const Change& change) {
  std::promise<Result<uint64_t>> rolled;
  writer_->Roll([&rolled](Result<uint64_t> start) { rolled.set_value(std::move(start)); });
  const Result<uint64_t> start = rolled.get_future().get();
  if (!start) {
    return start.error();
  }
  reader_.reset();
  size_t moved = 0;
  for (;;) {
    Result<std::optional<QueuedPayload>> taken = Take();
    if (!taken) {
      return taken.error();
    }
    if (!*taken || (*taken)->position >= *start) {
      break;
    }
    const uint64_t next = (*taken)->next_position;
    moved += (*taken)->payload.size();
    Result<std::optional<std::string>> changed = change(std::move((*taken)->payload));
    if (!changed) {
      return changed.error();
    }
    if (*changed) {
      if (Result<void> put = Append(**std::move(changed)); !put) {
        return put;
      }
    }
    if (moved >= kMovedBytes) {
      if (Result<void> done = Done(next); !done) {
        return done;
      }
      moved = 0;
    }
  }
  reader_.reset();
  return Done(*start);
}

}  // namespace bulkhead
