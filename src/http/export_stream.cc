#include "http/export_stream.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

namespace bulkhead {
namespace {

constexpr size_t kMaxWaitingBytes = 1024UL * 1024;

}  // namespace

struct ExportRunner::Job {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> chunks;
  size_t waiting_bytes = 0;
  bool cancelled = false;
  bool finished = false;
  bool failed = false;
  std::thread thread;

  bool Push(std::string_view chunk) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return cancelled || waiting_bytes < kMaxWaitingBytes; });
    if (cancelled) {
      return false;
    }
    chunks.emplace_back(chunk);
    waiting_bytes += chunk.size();
    changed.notify_all();
    return true;
  }
  void Finish(bool with_failure) {
    const std::lock_guard lock(mutex);
    finished = true;
    failed = with_failure;
    changed.notify_all();
  }
  void Cancel() {
    const std::lock_guard lock(mutex);
    cancelled = true;
    changed.notify_all();
  }
};

class ExportRunner::Source final : public BodySource {
 public:
  explicit Source(std::shared_ptr<Job> job) : job_(std::move(job)) {}
  ~Source() override { job_->Cancel(); }

  Result<bool> Next(std::string* out) override {
    std::unique_lock lock(job_->mutex);
    job_->changed.wait(
        lock, [this] { return job_->cancelled || job_->finished || !job_->chunks.empty(); });
    if (job_->cancelled || job_->failed) {
      return Error{ErrorCode::kUnavailable, "the export ended early"};
    }
    for (const std::string& chunk : job_->chunks) {
      *out += chunk;
    }
    job_->chunks.clear();
    job_->waiting_bytes = 0;
    job_->changed.notify_all();
    return !job_->finished;
  }

 private:
  std::shared_ptr<Job> job_;
};

ExportRunner::~ExportRunner() { Stop(); }

void ExportRunner::JoinFinished() {
  std::erase_if(jobs_, [](const std::shared_ptr<Job>& job) {
    {
      const std::lock_guard lock(job->mutex);
      if (!job->finished) {
        return false;
      }
    }
    job->thread.join();
    return true;
  });
}

Result<std::shared_ptr<BodySource>> ExportRunner::Start(Export run) {
  const std::lock_guard lock(mutex_);
  JoinFinished();
  if (stopped_ || jobs_.size() >= max_running_) {
    return Error{ErrorCode::kLimit, "too many exports are running, please retry"};
  }
  auto job = std::make_shared<Job>();
  job->thread = std::thread([job, run = std::move(run)] {
    bool failed = true;
    try {
      failed = !run([&job](std::string_view chunk) { return job->Push(chunk); }).has_value();
    } catch (const std::exception&) {
      // The client sees the connection cut off.
    }
    job->Finish(failed);
  });
  jobs_.push_back(job);
  return std::shared_ptr<BodySource>(std::make_shared<Source>(std::move(job)));
}

void ExportRunner::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (const auto& job : jobs_) {
    job->Cancel();
  }
  for (const auto& job : jobs_) {
    job->thread.join();
  }
  jobs_.clear();
}

namespace {

class GzipSource final : public BodySource {
 public:
  explicit GzipSource(std::shared_ptr<BodySource> source) : source_(std::move(source)) {
    constexpr int kGzipWindow = 15 + 16;
    ok_ = deflateInit2(&stream_, 1, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~GzipSource() override { deflateEnd(&stream_); }

  Result<bool> Next(std::string* out) override {
    if (!ok_) {
      return Error{ErrorCode::kUnavailable, "no memory to compress"};
    }
    std::string plain;
    const Result<bool> more = source_->Next(&plain);
    if (!more) {
      return more;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(plain.data());
    stream_.avail_in = static_cast<uInt>(plain.size());
    const int flush = *more ? Z_NO_FLUSH : Z_FINISH;
    std::array<Bytef, 65536> piece{};
    do {
      stream_.next_out = piece.data();
      stream_.avail_out = static_cast<uInt>(piece.size());
      if (deflate(&stream_, flush) == Z_STREAM_ERROR) {
        return Error{ErrorCode::kBug, "deflate"};
      }
      out->append(reinterpret_cast<const char*>(piece.data()), piece.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return *more;
  }

 private:
  std::shared_ptr<BodySource> source_;
  z_stream stream_{};
  bool ok_ = false;
};

}  // namespace

std::shared_ptr<BodySource> MakeGzipSource(std::shared_ptr<BodySource> source) {
  return std::make_shared<GzipSource>(std::move(source));
}

bool AcceptsGzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const size_t comma = accept_encoding.find(',');
    std::string_view coding = accept_encoding.substr(0, comma);
    accept_encoding =
        comma == std::string_view::npos ? std::string_view{} : accept_encoding.substr(comma + 1);
    std::string weight;
    for (const char c : coding.substr(std::min(coding.find(';'), coding.size()))) {
      if (c != ' ') {
        weight += c;
      }
    }
    coding = coding.substr(0, coding.find(';'));
    const size_t first = coding.find_first_not_of(' ');
    coding = first == std::string_view::npos
                 ? std::string_view{}
                 : coding.substr(first, coding.find_last_not_of(' ') - first + 1);
    if (coding == "gzip" || coding == "*") {
      const bool none =
          weight.starts_with(";q=0") && weight.find_first_not_of("0.", 3) == std::string::npos;
      return !none;
    }
  }
  return false;
}

}  // namespace bulkhead
