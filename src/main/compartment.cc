#include "main/compartment.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "main/compartment_rules.h"
#include "main/confinement.h"

namespace bulkhead {
namespace {

using Maker = std::unique_ptr<CompartmentRole> (*)(CompartmentStart*);

Maker MakerOf(Compartment compartment) {
  static constexpr std::array<Maker, kCompartmentCount> kMakers = {
      MakeAuditCompartment, MakeVaultCompartment, MakeCoreCompartment, MakeEgressCompartment,
      MakeIntakeCompartment};
  return kMakers.at(IndexOf(compartment));
}

// Closes everything that the compartment has no use for, and says on its board what holds.
Result<void> ConfineTo(Compartment compartment, const CompartmentStart& start) {
  Result<Downgrade> allowed = start.weaker_confinement.empty()
                                  ? Downgrade::None()
                                  : Downgrade::Parse(start.weaker_confinement);
  if (!allowed) {
    return allowed.error();
  }
  CompartmentOptions options;
  options.keep_descriptors = start.Descriptors();
  options.keep_descriptors.push_back(kSupervisorDescriptor);
  options.connect_ports = start.connect_ports;
  ConfinementRules rules = RulesFor(compartment, DataDirectory(start.data_dir), options);
  rules.die_with_parent = false;  // its parent is a thread; Orders notices the supervisor's end
  Result<ConfinementReport> report = Confine(rules, *allowed);
  if (!report) {
    return report.error();
  }
  if (report->degraded()) {
    spdlog::warn("{} is confined more weakly than it should be", CompartmentName(compartment));
  }
  start.own->SetText(kTextConfinement, ConfinementJson(*report));
  return {};
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
  const std::optional<Compartment> which = CompartmentByName(name);
  if (!which) {
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
  std::unique_ptr<CompartmentRole> compartment = MakerOf(*which)(&*start);
  const auto fail = [&supervisor](const Error& error) {
    static_cast<void>(supervisor.Send(kMessageFailed, error.message).has_value());
    return error;
  };
  if (Result<void> prepared = compartment->Prepare(); !prepared) {
    return fail(prepared.error());
  }
  if (Result<void> confined = ConfineTo(*which, *start); !confined) {
    return fail(confined.error());
  }
  Orders orders(&supervisor, compartment.get());
  if (Result<void> opened = compartment->Open(); !opened) {
    return fail(opened.error());
  }
  if (Result<void> told = supervisor.Send(kMessageReady, ""); !told) {
    return told;
  }
  orders.WaitForStop();
  compartment.reset();
  return {};
}

}  // namespace bulkhead
