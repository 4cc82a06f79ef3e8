// Made-up traffic of some thousand subjects with habits: rates, roles, hours, weekends, newcomers
// and people who leave, properties that they keep and others that nobody shares. For tests.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "model/event.h"

namespace bulkhead {

inline constexpr int64_t kTrafficBegin = 20'000LL * 86'400'000;

class MadeUpTraffic {
 public:
  MadeUpTraffic(size_t subjects, int days, uint64_t seed) : days_(days), random_(seed) {
    for (size_t i = 0; i < subjects; ++i) Live(i);
    std::ranges::stable_sort(events_, {}, &Event::time_ms);
  }
  // By time.
  const std::vector<Event>& events() const { return events_; }

 private:
  struct Habits {
    SubjectId id;
    size_t role = 0;
    double hour = 12;
    ValueObject kept;
  };
  double Uniform() { return std::uniform_real_distribution<double>()(random_); }
  // Few are common, many rare.
  size_t Skewed(size_t bound) {
    return static_cast<size_t>(std::pow(static_cast<double>(bound), Uniform())) - 1;
  }
  uint64_t Number(uint64_t from, uint64_t to) { return from + random_() % (to - from); }

  Habits MakeHabits() {
    Habits habits;
    for (uint8_t& byte : habits.id.bytes) byte = static_cast<uint8_t>(random_());
    const double role = Uniform();
    habits.role = role < 0.6 ? 0 : role < 0.9 ? 1 : 2;
    habits.hour = std::clamp(std::normal_distribution<double>(13, 4)(random_), 0.0, 22.0);
    constexpr std::array<const char*, 4> kSystems = {"Windows", "Mac OS X", "iOS", "Android"};
    constexpr std::array<const char*, 3> kPlans = {"free", "pro", "team"};
    habits.kept = {{"os", Value(kSystems[Skewed(4)])},
                   {"plan", Value(kPlans[habits.role])},
                   {"town", Value("town " + std::to_string(Skewed(300)))},
                   {"account", Value("acct_" + std::to_string(Number(100'000, 1'000'000)))}};
    return habits;
  }

  void Live(size_t subject) {
    const Habits habits = MakeHabits();
    const double rate = std::min(std::lognormal_distribution<double>(-1.2, 1.0)(random_), 4.0);
    const double first = subject % 10 < 6 ? 0 : Uniform() * days_;
    for (int day = static_cast<int>(first); day < days_; ++day) {
      const bool newcomer = day == static_cast<int>(first) && first > 0;
      const double today = rate * (day % 7 < 2 ? 0.4 : 1);
      const int sessions = std::poisson_distribution<int>(today)(random_) + (newcomer ? 1 : 0);
      for (int i = 0; i < sessions; ++i) Session(day, habits);
      if (Uniform() < 0.03) return;
    }
  }

  void Session(int day, const Habits& habits) {
    const double hour =
        std::clamp(std::normal_distribution<double>(habits.hour, 2)(random_), 0.0, 23.0);
    int64_t time = kTrafficBegin + day * int64_t{86'400'000} +
                   static_cast<int64_t>(hour * 3'600'000) +
                   static_cast<int64_t>(random_() % 60'000);
    const int length = 1 + std::geometric_distribution<int>(habits.role == 2 ? 0.12 : 0.3)(random_);
    for (int i = 0; i < length; ++i) {
      Do(time, habits);
      time += static_cast<int64_t>(
          std::min(std::lognormal_distribution<double>(10, 1.2)(random_), 1.5e6));
    }
  }

  void Do(int64_t time, const Habits& habits) {
    constexpr std::array<std::array<double, 5>, 3> kWanted = {
        {{0.8, 0.95, 0.98, 1, 1}, {0.4, 0.6, 0.98, 1, 1}, {0.1, 0.2, 0.25, 0.6, 1}}};
    constexpr std::array<const char*, 5> kNames = {"viewed", "searched", "bought", "invited",
                                                   "exported"};
    const double wanted = Uniform();
    size_t which = 0;
    while (wanted >= kWanted[habits.role][which] && which < 4) ++which;
    Event& event = events_.emplace_back();
    event.name = kNames[which];
    event.time_ms = time;
    event.person = habits.id;
    event.properties = habits.kept;
    event.properties.emplace_back("page", Value("page " + std::to_string(Skewed(40))));
    if (which == 2) {
      const double amount = std::lognormal_distribution<double>(3, 0.8)(random_);
      event.properties.emplace_back("amount", Value(std::round(amount * 100) / 100));
      event.properties.emplace_back(
          "order", Value("ord-" + std::to_string(Number(10'000'000, 100'000'000))));
    }
  }

  int days_;
  std::mt19937_64 random_;
  std::vector<Event> events_;
};

}  // namespace bulkhead
