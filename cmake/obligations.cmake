# The table of duties to tell (data/obligations.toml), compiled in, so that the running program has it wherever it was installed.
file(READ ${CMAKE_SOURCE_DIR}/data/obligations.toml BULKHEAD_OBLIGATIONS)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/obligations_data.cc @ONLY CONTENT [[
#include "incident/obligations_data.h"

namespace bulkhead {

std::string_view ShippedObligations() {
  return R"obligations(@BULKHEAD_OBLIGATIONS@)obligations";
}

}  // namespace bulkhead
]])
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/data/obligations.toml)
target_sources(room_incident PRIVATE ${CMAKE_BINARY_DIR}/generated/obligations_data.cc)
