#include "main/compartment.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace bulkhead {
namespace {

using Maker = std::unique_ptr<CompartmentRole> (*)(CompartmentStart*);

Maker MakerOf(const std::string& name) {
  static constexpr std::array<Maker, kCompartments> kMakers = {
      MakeAuditCompartment, MakeVaultCompartment, MakeCoreCompartment, MakeEgressCompartment,
      MakeIntakeCompartment};
  for (size_t i = 0; i < kCompartments; ++i) {
    if (name == CompartmentName(static_cast<CompartmentId>(i))) {
      return kMakers.at(i);
    }
  }
  return nullptr;
}

// Reads what the supervisor says, on a thread of its own, since a compartment that opens may need
// its links already.
class Orders {
 public:
  Orders(MessageSocket* supervisor, CompartmentRole* compartment)
      : supervisor_(supervisor), compartment_(compartment), thread_([this] { Read(); }) {}
  ~Orders() {
    supervisor_->ShutDown();
    thread_.join();
  }
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;

  void WaitForStop() {
    std::unique_lock lock(mutex_);
    stopped_.wait(lock, [this] { return stop_; });
  }

 private:
  void Read() {
    for (;;) {
      Result<Message> message = supervisor_->Receive();
      if (!message) {
        break;
      }
      if (message->kind == kMessageLink && message->descriptors.size() == 1) {
        compartment_->Link(message->body, std::move(message->descriptors[0]));
      } else if (message->kind == kMessageStop) {
        const std::lock_guard lock(mutex_);
        stop_ = true;
        stopped_.notify_all();
        return;
      }
    }
    // Nobody is left who could restart the others or stop this one: as after a power cut.
    std::_Exit(1);
  }

  MessageSocket* supervisor_;
  CompartmentRole* compartment_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace

Result<void> RunCompartment(const std::string& name) {
  const Maker maker = MakerOf(name);
  if (maker == nullptr) {
    return Error{ErrorCode::kInvalid, "no such compartment"};
  }
  MessageSocket supervisor{Descriptor(kSupervisorDescriptor)};
  Result<Message> message = supervisor.Receive();
  if (!message) {
    return Error{ErrorCode::kInvalid, "only `bulkhead serve` starts compartments"};
  }
  Result<CompartmentStart> start = DecodeStart(*std::move(message));
  if (!start) {
    return start.error();
  }
  std::unique_ptr<CompartmentRole> compartment = maker(&*start);
  Orders orders(&supervisor, compartment.get());
  if (Result<void> opened = compartment->Open(); !opened) {
    static_cast<void>(supervisor.Send(kMessageFailed, opened.error().message).has_value());
    return opened;
  }
  if (Result<void> told = supervisor.Send(kMessageReady, ""); !told) {
    return told;
  }
  orders.WaitForStop();
  compartment.reset();
  return {};
}

}  // namespace bulkhead
