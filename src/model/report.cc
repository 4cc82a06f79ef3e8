#include "model/report.h"

namespace bulkhead {

ProjectId ProjectOf(const Report& report) {
  return std::visit([](const auto& any) { return any.project; }, report);
}

}  // namespace bulkhead
