// The egress compartment: the only one that may speak to the outside by itself.
#include "main/compartment.h"

namespace bulkhead {
namespace {

class EgressCompartment final : public CompartmentRole {
 public:
  Result<void> Open() override { return {}; }
  void Link(std::string_view /*peer*/, Descriptor /*line*/) override {}
};

}  // namespace

std::unique_ptr<CompartmentRole> MakeEgressCompartment(CompartmentStart* /*start*/) {
  return std::make_unique<EgressCompartment>();
}

}  // namespace bulkhead
