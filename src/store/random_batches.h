// Random batches for tests: few people, devices, times and ids, so that everything collides.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "model/event.h"

namespace bulkhead {

inline SubjectId TestSubject(uint32_t number) {
  SubjectId id;
  uint64_t x = number * 0x9E3779B97F4A7C15ULL + 12345;
  for (uint8_t& byte : id.bytes) {
    x ^= x >> 29;
    x *= 0xBF58476D1CE4E5B9ULL;
    byte = static_cast<uint8_t>(x >> 56);
  }
  return id;
}

class RandomBatches {
 public:
  static constexpr int64_t kStartMs = 1'700'000'000'000;

  explicit RandomBatches(uint64_t seed) : random_(seed) {}

  uint32_t Below(uint32_t n) { return std::uniform_int_distribution<uint32_t>(0, n - 1)(random_); }
  bool OneIn(uint32_t n) { return Below(n) == 0; }

  Batch Next(uint32_t events) {
    Batch batch;
    for (uint32_t i = 0; i < events; ++i) {
      batch.events.push_back(RandomEvent());
    }
    for (uint32_t i = 0; i < Below(4); ++i) {
      batch.profile_updates.push_back(RandomUpdate());
    }
    return batch;
  }

  // Users 0..29, devices 100..139.
  SubjectId Anyone() { return OneIn(2) ? TestSubject(Below(30)) : TestSubject(100 + Below(40)); }

 private:
  Value RandomValue() {
    switch (Below(8)) {
      case 0:
        return Value();
      case 1:
        return Value(OneIn(2));
      case 2:
        return Value(static_cast<double>(Below(5)) - 2.5);
      case 3:
        return Value(static_cast<double>(Below(1000)));
      case 4:
        return Value(ValueList{Value(1.0), Value("x"), Value(static_cast<double>(Below(3)))});
      case 5:
        return Value(ValueObject{{"a", Value(static_cast<double>(Below(3)))}, {"b", Value()}});
      default:
        return Value("s" + std::to_string(Below(20)));
    }
  }

  Event RandomEvent() {
    Event event;
    event.name = "event " + std::to_string(Below(OneIn(10) ? 400 : 6));
    event.time_ms = kStartMs + Below(40) * 1000;
    if (OneIn(15)) event.time_ms += Below(1'000'000'000);
    if (OneIn(300)) event.time_ms += 400LL * 86'400'000 + 7;
    if (!OneIn(20)) {
      const bool user = OneIn(2);
      if (!user || OneIn(5)) event.device = TestSubject(100 + Below(40));
      event.person = user ? TestSubject(Below(30)) : event.device;
      if (OneIn(200)) event.person = TestSubject(100 + Below(40));  // a device id as user: chains
    }
    if (!OneIn(3)) event.insert_id = 1 + Below(30);
    if (OneIn(4)) event.insert_id |= 1ULL << 50;  // beyond what is kept
    for (const char* name : {"plan", "path", "amount", "tags"}) {
      if (!OneIn(3)) event.properties.emplace_back(name, RandomValue());
    }
    if (event.name == "event 1") event.properties.emplace_back("only here", RandomValue());
    return event;
  }

  ProfileUpdate RandomUpdate() {
    ProfileUpdate update;
    update.subject = Anyone();
    update.op = static_cast<ProfileOperator>(1 + Below(8));
    if (update.op == ProfileOperator::kDelete && !OneIn(4)) update.op = ProfileOperator::kSet;
    update.time_ms = kStartMs + Below(1'000'000'000);
    update.ignore_time = OneIn(3);
    if (OneIn(5)) {
      update.group_key = "company";
      update.group_id = std::to_string(Below(3));
    }
    if (update.op != ProfileOperator::kDelete) {
      update.properties.emplace_back("p" + std::to_string(Below(4)), RandomValue());
    }
    return update;
  }

  std::mt19937_64 random_;
};

}  // namespace bulkhead
