#include "model/batch_codec.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <limits>

#include "base/hex.h"
#include "model/sealed_fields.h"

namespace bulkhead {
namespace {

SubjectId Subject(uint8_t seed) {
  SubjectId id;
  id.bytes.fill(seed);
  return id;
}

Event MakeEvent(std::string name, int64_t time_ms = 0, ValueObject properties = {}) {
  Event event;
  event.name = std::move(name);
  event.time_ms = time_ms;
  event.properties = std::move(properties);
  return event;
}

Batch MakeBatch(uint32_t project, int64_t arrival_ms) {
  Batch batch;
  batch.project = {project};
  batch.arrival_ms = arrival_ms;
  return batch;
}

bool Same(const Batch& a, const Batch& b) {
  const auto event = [](const Event& e) {
    return std::tie(e.name, e.time_ms, e.person, e.device, e.insert_id, e.properties);
  };
  const auto update = [](const ProfileUpdate& u) {
    return std::tie(u.subject, u.group_key, u.group_id, u.op, u.properties, u.time_ms,
                    u.ignore_time);
  };
  return a.project == b.project && a.arrival_ms == b.arrival_ms && a.from_import == b.from_import &&
         a.policy_version == b.policy_version && a.sealed == b.sealed &&
         std::equal(a.events.begin(), a.events.end(), b.events.begin(), b.events.end(),
                    [&](const Event& x, const Event& y) { return event(x) == event(y); }) &&
         std::equal(a.profile_updates.begin(), a.profile_updates.end(), b.profile_updates.begin(),
                    b.profile_updates.end(), [&](const ProfileUpdate& x, const ProfileUpdate& y) {
                      return update(x) == update(y);
                    });
}

Batch Example() {
  Batch batch = MakeBatch(7, 1700000000000);
  batch.from_import = true;
  batch.policy_version = 300;
  const ValueObject properties{
      {"plan", Value("pro")},
      {"count", Value(3.0)},
      {"price", Value(-0.25)},
      {"trial", Value(true)},
      {"none", Value()},
      {"", Value(std::string(300, 'x'))},
      {"tags",
       Value(ValueList{Value("a"), Value(1e300), Value(ValueObject{{"plan", Value(false)}})})}};
  batch.events.push_back(MakeEvent("plan", 1699999999999, properties));
  batch.events[0].person = batch.events[0].device = Subject(1);
  batch.events[0].insert_id = 42;
  batch.events.push_back(MakeEvent("other", -5));
  batch.events[1].person = Subject(1);
  batch.events[1].device = Subject(2);
  batch.events.push_back(MakeEvent("nobody", std::numeric_limits<int64_t>::max()));
  batch.events.push_back(MakeEvent("device", 0, properties));
  batch.events[3].device = Subject(3);
  ProfileUpdate& user = batch.profile_updates.emplace_back();
  user.subject = Subject(9);
  user.op = ProfileOperator::kUnion;
  user.properties = properties;
  user.time_ms = 5;
  user.ignore_time = true;
  ProfileUpdate& group = batch.profile_updates.emplace_back();
  group.group_key = "company";
  group.group_id = "acme";
  group.op = ProfileOperator::kDelete;
  batch.sealed = std::string("\0sealed\xFF", 8);
  return batch;
}

std::string Encoded(const Batch& batch) {
  std::string bytes;
  EncodeBatch(batch, &bytes);
  return bytes;
}

TEST(BatchCodec, WhatIsEncodedIsDecoded) {
  const Batch batch = Example();
  const std::string bytes = Encoded(batch);
  const Result<Batch> decoded = DecodeBatch(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(Same(batch, *decoded));
  EXPECT_EQ(Encoded(*decoded), bytes);
  EXPECT_TRUE(Same(Batch{}, DecodeBatch(Encoded(Batch{})).value()));
  EXPECT_EQ(SealedPartOf(bytes)->sealed, batch.sealed);
  EXPECT_EQ(SealedPartOf(bytes)->project, batch.project);
  EXPECT_EQ(SealedPartOf(Encoded(Batch{}))->sealed, "");
}

TEST(BatchCodec, ManyNames) {
  Batch batch;
  for (int i = 0; i < 1000; ++i) {
    batch.events.push_back(
        MakeEvent(fmt::format("event {}", i), i,
                  {{fmt::format("a long property name with number {}", i % 300), Value(i * 0.5)},
                   {fmt::format("p{}", i), Value(ldexp(1, i % 60))}}));
  }
  EXPECT_TRUE(Same(batch, DecodeBatch(Encoded(batch)).value()));
}

TEST(BatchCodec, Numbers) {
  Batch batch;
  batch.events.emplace_back();
  for (const double number : {0.0, -0.0, 1.0, -1.0, 9007199254740992.0, -9007199254740992.0,
                              9007199254740994.0, 0.1, 5e-324, 1.7976931348623157e308}) {
    batch.events[0].properties = {{"n", Value(number)}};
    const double back = DecodeBatch(Encoded(batch))->events[0].properties[0].second.number();
    EXPECT_EQ(back, number);
    EXPECT_EQ(std::signbit(back), std::signbit(number));
  }
  for (const double number : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    batch.events[0].properties = {{"n", Value(number)}};
    EXPECT_TRUE(DecodeBatch(Encoded(batch))->events[0].properties[0].second.is_null());
  }
}

TEST(BatchCodec, NestsToTheBoundAndNoDeeper) {
  Value nested("deep");
  for (int depth = 1; depth <= 12; ++depth) {
    nested = depth % 2 == 0 ? Value(ValueList{nested}) : Value(ValueObject{{"k", nested}});
    Batch batch;
    batch.events.push_back(MakeEvent("e", 0, {{"p", nested}}));
    const Result<Batch> decoded = DecodeBatch(Encoded(batch));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(Same(batch, *decoded), depth <= kMaxBatchDepth) << depth;
  }
}

TEST(BatchCodec, DamagedBytesAreRefusedOrHarmless) {
  const std::string bytes = Encoded(Example());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeBatch(std::string_view(bytes).substr(0, size))) << size;
    EXPECT_FALSE(SealedPartOf(std::string_view(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeBatch(bytes + '\0'));
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const Result<SealedPart> part = SealedPartOf(damaged);
    if (const Result<Batch> decoded = DecodeBatch(damaged)) {
      EXPECT_TRUE(Same(*decoded, DecodeBatch(Encoded(*decoded)).value()));
      ASSERT_TRUE(part) << bit;
      EXPECT_EQ(part->sealed, decoded->sealed);
      EXPECT_EQ(part->project, decoded->project);
    }
  }
}

TEST(BatchCodec, GoldenBytes) {
  Batch batch = MakeBatch(1, 1000);
  batch.events.push_back(MakeEvent("open", 998, {{"n", Value(2.0)}, {"s", Value("x")}}));
  batch.events[0].person = Subject(0xAB);
  batch.events[0].insert_id = 1;
  batch.sealed = "!";
  const std::string bytes = Encoded(batch);
  EXPECT_EQ(HexEncode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}),
            "01"  // version
            "01"
            "d00f"
            "00"  // project, arrival, flags
            "03"
            "046f70656e"
            "016e"
            "0173"  // names
            "01"    // events
            "00"
            "03"
            "09"  // name, time, flags
            "abababababababababababababababab"
            "0100000000000000"
            "02"
            "01"
            "0404"
            "02"
            "8178"    // properties
            "00"      // profile updates
            "0121");  // sealed
}

TEST(BatchCodec, Speed) {
  Batch batch = MakeBatch(1, 1700000000000);
  for (int i = 0; i < 1000; ++i) {
    Event event = MakeEvent("api_request", 1699999990000 + i);
    event.person = Subject(static_cast<uint8_t>(i | 1));
    event.device = Subject(2);
    event.insert_id = static_cast<uint64_t>(i) + 1;
    for (int p = 0; p < 10; ++p) {
      event.properties.emplace_back(fmt::format("property_{}", p),
                                    p % 3 == 0 ? Value(p * 1.0) : Value("some text value"));
    }
    batch.events.push_back(std::move(event));
  }
  constexpr int kRounds = 50;
  std::string bytes;
  const auto start = std::clock();
  for (int i = 0; i < kRounds; ++i) {
    bytes.clear();
    EncodeBatch(batch, &bytes);
  }
  const auto middle = std::clock();
  size_t events = 0;
  for (int i = 0; i < kRounds; ++i) {
    events += DecodeBatch(bytes)->events.size();
  }
  const auto end = std::clock();
  size_t sealed = 0;
  for (int i = 0; i < kRounds; ++i) {
    sealed += SealedPartOf(bytes)->sealed.size();
  }
  const auto skipped = std::clock();
  const auto per_event = [](std::clock_t ticks) {
    return static_cast<double>(ticks) * 1e9 / CLOCKS_PER_SEC / (kRounds * 1000);
  };
  fmt::print(
      "encode {:.0f} ns, decode {:.0f} ns, pass over {:.0f} ns, {} bytes per event (processor "
      "time)\n",
      per_event(middle - start), per_event(end - middle), per_event(skipped - end),
      bytes.size() / 1000);
  EXPECT_EQ(sealed, 0U);
  EXPECT_EQ(events, 1000U * kRounds);
}

TEST(SealedFields, WhatIsEncodedIsDecodedAndDamageRefused) {
  const std::vector<SealedField> fields{
      {Subject(1), "$email", "a@example.com", true, 1700000000000}, {{}, "", "", false, -1}};
  const std::string bytes = EncodeSealedFields(fields);
  const Result<std::vector<SealedField>> decoded = DecodeSealedFields(bytes);
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->size(), 2U);
  EXPECT_EQ(decoded->at(0).value, "a@example.com");
  EXPECT_EQ(decoded->at(0).field, "$email");
  EXPECT_TRUE(decoded->at(0).from_profile);
  EXPECT_EQ(decoded->at(1).time_ms, -1);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeSealedFields(std::string_view(bytes).substr(0, size)));
  }
  EXPECT_FALSE(DecodeSealedFields(bytes + "x"));
  EXPECT_FALSE(DecodeSealedFields("\x01\xFF\xFF\xFF\xFF\x0F"));
}

}  // namespace
}  // namespace bulkhead
