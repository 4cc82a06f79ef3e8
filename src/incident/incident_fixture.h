// What the tests of this room share: moments, and the data file of the repository.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include "incident/obligations.h"

namespace bulkhead {

inline int64_t At(int year, unsigned month, unsigned day, int hour = 0, int minute = 0) {
  const std::chrono::sys_time<std::chrono::milliseconds> time =
      std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) /
                            std::chrono::day(day)) +
      std::chrono::hours(hour) + std::chrono::minutes(minute);
  return time.time_since_epoch().count();
}

inline std::string ObligationsText() {
  std::ifstream file(std::string(BULKHEAD_SOURCE_DIR) + "/data/obligations.toml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline const Obligations& RepositoryObligations() {
  static const Result<Obligations> loaded = Obligations::Load(ObligationsText(), "obligations");
  if (!loaded) ADD_FAILURE() << loaded.error().message;
  return loaded.value();
}

}  // namespace bulkhead
