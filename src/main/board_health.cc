#include "main/board_health.h"

#include <fmt/format.h>

#include <thread>

namespace bulkhead {
namespace {

constexpr std::chrono::milliseconds kPoll{5};

const StatusBoard& Of(const Boards& boards, Compartment id) { return *boards.at(IndexOf(id)); }

struct Family {
  std::string_view name, type, help;
  size_t first_number;
};

void AppendFamily(const StatusBoard& supervisor, const Family& family, std::string* out) {
  const std::string_view suffix = family.type == "counter" ? "_total" : "";
  fmt::format_to(std::back_inserter(*out), "# HELP {0} {1}\n# TYPE {0} {2}\n", family.name,
                 family.help, family.type);
  for (size_t i = 0; i < kCompartmentCount; ++i) {
    fmt::format_to(std::back_inserter(*out), "{}{}{{compartment=\"{}\"}} {}\n", family.name, suffix,
                   CompartmentName(kCompartments.at(i)), supervisor.Get(family.first_number + i));
  }
}

}  // namespace

Health HealthOf(const Boards& boards) {
  const StatusBoard& supervisor = *boards[kSupervisorBoard];
  for (size_t i = 0; i < kCompartmentCount; ++i) {
    const std::string_view name = CompartmentName(kCompartments.at(i));
    if (supervisor.Get(kChildRunning + i) == 0) {
      const bool storm = supervisor.Get(kChildStorm + i) != 0;
      return {false,
              fmt::format("{} is not running{}", name, storm ? ": it has ended many times" : "")};
    }
    if (boards.at(i)->Get(kBoardTrouble) != 0) {
      return {false, fmt::format("{} stands still; the program's log says why", name)};
    }
  }
  const uint64_t end = Of(boards, Compartment::kIntake).Get(kIntakeDurableEnd);
  const bool caught_up = end > 0 && Of(boards, Compartment::kCore).Get(kFollowerApplied) > end;
  if (!caught_up) {
    return {false, "store is behind the log"};
  }
  const bool refused = Of(boards, Compartment::kIntake).Get(kIntakePolicyTrouble) != 0;
  return {true, refused ? "ready; policy.toml is not what is in force, see `bulkhead policy status`"
                        : "ready"};
}

bool WaitForVault(const Boards& boards, std::chrono::milliseconds patience) {
  const uint64_t end = Of(boards, Compartment::kIntake).Get(kIntakeDurableEnd);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (Of(boards, Compartment::kVault).Get(kFollowerApplied) <= end) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

void AppendBoardMetrics(const Boards& boards, std::string* out) {
  static constexpr std::array<Family, 4> kFamilies = {{
      {"bulkhead_compartment_running", "gauge", "1 while the compartment runs.", kChildRunning},
      {"bulkhead_compartment_restarts", "counter",
       "Times that the compartment ended by itself and was started again.", kChildRestarts},
      {"bulkhead_compartment_restart_storm", "gauge",
       "1 while the compartment ends again and again.", kChildStorm},
      {"bulkhead_compartment_disk_bytes", "gauge", "Bytes in the compartment's own directory.",
       kChildDiskBytes},
  }};
  for (const Family& family : kFamilies) {
    AppendFamily(*boards[kSupervisorBoard], family, out);
  }
  for (const auto& board : boards) {
    *out += board->Text(kTextMetrics);
  }
}

}  // namespace bulkhead
