// One compartment's work, between its start and its end, in a process of its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "channel/descriptor.h"
#include "main/compartment_start.h"

namespace bulkhead {

// Made at once; Prepare() reads what the compartment may not read later, before it is confined, and
// starts no thread; Open() does the rest of what may fail. Link() may be called from another thread
// at any time after that. The destructor ends the work in good order.
class CompartmentRole {
 public:
  virtual ~CompartmentRole() = default;
  virtual Result<void> Prepare() { return {}; }
  virtual Result<void> Open() = 0;
  // A new line to (or from) the compartment of that name.
  virtual void Link(std::string_view peer, Descriptor line) = 0;
};

// `start` outlives it.
std::unique_ptr<CompartmentRole> MakeAuditCompartment(CompartmentStart* start);
std::unique_ptr<CompartmentRole> MakeVaultCompartment(CompartmentStart* start);
std::unique_ptr<CompartmentRole> MakeCoreCompartment(CompartmentStart* start);
std::unique_ptr<CompartmentRole> MakeEgressCompartment(CompartmentStart* start);
std::unique_ptr<CompartmentRole> MakeIntakeCompartment(CompartmentStart* start);

// `bulkhead compartment NAME`: what the supervisor starts. Returns when it says so; where the
// supervisor is gone, ends the process at once.
Result<void> RunCompartment(const std::string& name);

}  // namespace bulkhead
