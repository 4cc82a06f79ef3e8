// The processes that the server is made of, each confined to what it needs (docs/confinement.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bulkhead {

// In the order in which they are started: those who are asked before those who ask.
enum class Compartment : uint8_t { kAudit = 0, kVault, kCore, kEgress, kIntake };

inline constexpr std::array kCompartments = {Compartment::kAudit, Compartment::kVault,
                                             Compartment::kCore, Compartment::kEgress,
                                             Compartment::kIntake};
inline constexpr size_t kCompartmentCount = kCompartments.size();

constexpr size_t IndexOf(Compartment compartment) { return static_cast<size_t>(compartment); }

constexpr std::string_view CompartmentName(Compartment compartment) {
  constexpr std::array<std::string_view, kCompartmentCount> kNames = {"audit", "vault", "core",
                                                                      "egress", "intake"};
  return kNames.at(IndexOf(compartment));
}

constexpr std::optional<Compartment> CompartmentByName(std::string_view name) {
  for (const Compartment compartment : kCompartments) {
    if (CompartmentName(compartment) == name) {
      return compartment;
    }
  }
  return std::nullopt;
}

}  // namespace bulkhead
