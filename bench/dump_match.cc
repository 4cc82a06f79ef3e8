// How long a leaked file takes to be matched: makes a file of CSV records in memory, one of a
// hundred pieces at a time, and finds its owners among the ids of all subjects, and the ids and
// addresses of so many canaries, at four vendors and epochs. Each record has an address; one in a
// million is a canary's.
//
//   dump_match [RECORDS] [SUBJECTS] [CANARIES]
//
// Prints {"records","subjects","sources","canaries","bytes","prepare_s","match_s","genuine",
// "matched","canaries_found"}.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "incident/dump_matcher.h"

namespace {

using namespace bulkhead;  // NOLINT
using Seconds = std::chrono::duration<double>;

constexpr uint64_t kGenuineOneIn = 2;
constexpr uint64_t kCanaryOneIn = 1'000'000;
constexpr uint64_t kPieces = 100;
constexpr uint32_t kLeakedEpoch = 2;

std::string AddressOf(uint32_t epoch, uint64_t canary) {
  return "canary" + std::to_string(epoch) + "." + std::to_string(canary) + "@mail.example.net";
}

SubjectId Keyed(const KeyedHash& hash, std::string_view text) {
  SubjectId id;
  hash.Digest128(text, id.bytes.data());
  return id;
}

// One record as an analytics vendor exports it; one in kGenuineOneIn is of a subject.
void AppendRecord(uint64_t number, const std::vector<SubjectId>& ids, std::string* out) {
  SubjectId id = ids[number % ids.size()];
  if (number % kGenuineOneIn != 0) id.bytes[0] ^= 0x55;
  *out += std::to_string(1'762'000'000 + number) + ",dashboard_viewed,$device:" + id.ToHex() +
          ",DE,Bavaria,Firefox,Linux,\"utm_source=newsletter, spring\",team," +
          std::to_string(number * 7919 % 100'000) + ',' +
          (number % kCanaryOneIn == 1 ? AddressOf(kLeakedEpoch, number / kCanaryOneIn)
                                      : "user" + std::to_string(number) + "@shop.example") +
          "\n";
}

}  // namespace

int main(int argc, char** argv) {
  InitCrypto();
  const uint64_t records = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  const uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
  const uint64_t canaries = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 10'000;
  const KeyedHash people(RandomSecret(32));
  std::vector<SubjectId> subjects;
  for (uint64_t i = 0; i < count; ++i) subjects.push_back(Keyed(people, std::to_string(i)));

  std::vector<DumpSource> sources;
  std::vector<KeyedHash> keys;
  for (uint32_t epoch = 0; epoch < 4; ++epoch) {
    sources.push_back({"vendor", epoch});
    keys.emplace_back(RandomSecret(32));
  }
  const auto vendor_id = [&](const DumpSource& source, const SubjectId& subject) {
    return Keyed(keys[source.epoch],
                 {reinterpret_cast<const char*>(subject.bytes.data()), subject.bytes.size()});
  };
  std::vector<SubjectId> leaked;
  for (const SubjectId& subject : subjects)
    leaked.push_back(vendor_id(sources[kLeakedEpoch], subject));

  const auto begin = std::chrono::steady_clock::now();
  DumpMatcher::Parts parts;
  parts.subjects = subjects;
  parts.sources = sources;
  parts.vendor_id = vendor_id;
  for (const DumpSource& source : sources) {
    for (uint64_t i = 0; i < canaries; ++i) {
      parts.canaries.push_back({std::to_string(i), source,
                                Keyed(keys[source.epoch], "canary" + std::to_string(i)),
                                AddressOf(source.epoch, i)});
    }
  }
  auto matcher = DumpMatcher::Create(parts);
  if (!matcher) {
    std::fprintf(stderr, "%s\n", matcher.error().message.c_str());
    return 1;
  }
  const Seconds prepare = std::chrono::steady_clock::now() - begin;
  Seconds match{};
  uint64_t next = 0;
  for (uint64_t piece = 1; piece <= kPieces; ++piece) {
    std::string text;
    while (next < records * piece / kPieces) AppendRecord(next++, leaked, &text);
    const auto start = std::chrono::steady_clock::now();
    (*matcher)->Feed(text);
    match += std::chrono::steady_clock::now() - start;
  }
  const auto start = std::chrono::steady_clock::now();
  const DumpReport report = (*matcher)->Finish();
  match += std::chrono::steady_clock::now() - start;
  std::printf(
      "{\"records\":%zu,\"subjects\":%zu,\"sources\":%zu,\"canaries\":%zu,\"bytes\":%zu,"
      "\"prepare_s\":%.2f,\"match_s\":%.2f,\"genuine\":%zu,\"matched\":%zu,"
      "\"canaries_found\":%zu}\n",
      static_cast<size_t>(report.records), subjects.size(), report.sources.size(),
      parts.canaries.size(), static_cast<size_t>(report.bytes), prepare.count(), match.count(),
      static_cast<size_t>(report.genuine_records),
      static_cast<size_t>(report.sources.front().matched_ids),
      report.sources.front().canaries.size());
  return report.attributed == sources[kLeakedEpoch] ? 0 : 1;
}
