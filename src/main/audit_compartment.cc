// The audit compartment: the one that writes the record of what all others do.
#include "audit/audit_file.h"
#include "base/file_system.h"
#include "channel/rpc_server.h"
#include "main/audit_messages.h"
#include "main/compartment.h"
#include "main/data_directory.h"

namespace bulkhead {
namespace {

constexpr int kThreads = 8;  // so that several entries share one sync

class AuditCompartment final : public CompartmentRole {
 public:
  explicit AuditCompartment(CompartmentStart* start) : start_(start) {}

  Result<void> Open() override {
    Result<std::unique_ptr<AuditFile>> audit =
        AuditFile::Open(RealFileSystem(), DataDirectory(start_->data_dir).AuditFile());
    if (!audit) {
      return audit.error();
    }
    audit_ = *std::move(audit);
    opened_.store(true, std::memory_order_release);
    return {};
  }

  void Link(std::string_view peer, Descriptor line) override {
    server_.Attach({std::string(peer)}, std::move(line));
  }

 private:
  Result<std::string> Answer(uint8_t kind, std::string_view body) {
    if (!opened_.load(std::memory_order_acquire)) {
      return Error{ErrorCode::kUnavailable, "the audit log is being opened"};
    }
    if (kind != kAuditAppend) {
      return Error{ErrorCode::kInvalid, "the audit log does not know that call"};
    }
    Result<AuditEntry> entry = DecodeAuditEntry(body);
    if (!entry) {
      return entry.error();
    }
    Result<void> done = audit_->Append(*entry);
    return done ? Result<std::string>("") : done.error();
  }

  CompartmentStart* start_;
  std::unique_ptr<AuditFile> audit_;
  std::atomic<bool> opened_{false};
  RpcServer server_{kThreads, [this](const RpcCaller&, uint8_t kind, std::string_view body) {
                      return Answer(kind, body);
                    }};
};

}  // namespace

std::unique_ptr<CompartmentRole> MakeAuditCompartment(CompartmentStart* start) {
  return std::make_unique<AuditCompartment>(start);
}

}  // namespace bulkhead
