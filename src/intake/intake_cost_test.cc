// What an event costs between the socket and the log; printed, not judged: machines differ.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <string>

#include "crypto/keys.h"
#include "intake/pseudonyms.h"
#include "model/batch_codec.h"
#include "wire/event_parser.h"

namespace bulkhead {
namespace {

// Of this thread alone: other work on the machine does not count.
double CpuMicroseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

std::string TwelveProperties(int count) {
  std::string json = "[";
  for (int i = 0; i < count; ++i) {
    if (i > 0) json += ',';
    json +=
        R"({"event":"api_request","properties":{"token":"TOKENA","time":1795478000,"distinct_id":"user-)";
    json += std::to_string(i % 500);
    json += R"(","$insert_id":"a1b2c3d4e5f6-)";
    json += std::to_string(i);
    json +=
        R"(","$browser":"Chrome","$os":"Linux","plan":"enterprise","endpoint":"/v1/chat/completions","status":200,)"
        R"("latency_ms":183.25,"region":"eu-west-1","model":"large-2026-08-01"}})";
  }
  return json + "]";
}

TEST(IntakeCost, ParsePseudonymiseEncode) {
  InitCrypto();
  IntakeKeys keys;
  keys.pseudonym_key = SecretBytes(std::string(32, 'p'));
  keys.insert_id_key = SecretBytes(std::string(32, 'i'));
  const Pseudonyms pseudonyms(keys);
  constexpr int kEvents = 2000;
  constexpr int kRounds = 50;
  const std::string json = TwelveProperties(kEvents);
  EventParseOptions options;
  options.now_ms = 1795478400000;
  size_t bytes = 0;
  const double start = CpuMicroseconds();
  for (int round = 0; round < kRounds; ++round) {
    ParsedEvents parsed = ParseEvents(json, options).value();
    Batch batch;
    for (ParsedEvent& source : parsed.events) {
      Event& event = batch.events.emplace_back();
      const EventIdentity identity = pseudonyms.Resolve(source, "203.0.113.77");
      event.person = identity.person;
      event.device = identity.device;
      event.insert_id = pseudonyms.InsertId(source.insert_id, source.time_ms);
      event.time_ms = source.time_ms;
      event.name = std::move(source.name);
      event.properties = std::move(source.properties);
      CutStrings(&event.properties);
    }
    std::string encoded;
    EncodeBatch(batch, &encoded);
    bytes += encoded.size();
  }
  const double spent = CpuMicroseconds() - start;
  std::printf("parse, pseudonymise, encode: %.2f us/event, %.0f bytes/event\n",
              spent / (kEvents * kRounds), static_cast<double>(bytes) / (kEvents * kRounds));
  EXPECT_GT(bytes, 0U);
}

}  // namespace
}  // namespace bulkhead
