// Measures the ledger of what vendors were sent: recording with folds, size on disk, opening,
// questions, erasure.
//
//   ledger_bench DIR [SENDS] [SUBJECTS] [DAYS]
//
// One vendor, once with all days in one epoch and once in two. Subjects are skewed (the busiest
// tenth has over a quarter of the sends) and come in sessions of 1 to 6 sends. 24 events with 3 to
// 9 fields, some of them common, and some events far more frequent than others.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crypto/key_ring.h"
#include "egress/ledger.h"

namespace bulkhead {
namespace {

constexpr int32_t kFirstDay = 20'600;
constexpr size_t kBatchSends = 5000;
constexpr uint32_t kEvents = 24;

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

SubjectId Subject(uint64_t number) {
  SubjectId id;
  for (size_t i = 0; i < 16; ++i) {
    id.bytes[i] = static_cast<uint8_t>(Mix(number * 2 + i / 8) >> (8 * (i % 8)));
  }
  return id;
}

std::vector<SentFields> FieldSets() {
  std::vector<SentFields> sets;
  for (uint64_t event = 0; event < kEvents; ++event) {
    std::set<SentField> fields{{"$browser", FieldForm::kPlain}, {"country", FieldForm::kCoarse}};
    const uint64_t own = 1 + Mix(event) % 7;
    for (uint64_t i = 0; i < own; ++i) {
      const uint64_t draw = Mix(event * 16 + i);
      fields.insert(
          {"property_" + std::to_string(draw % 60), static_cast<FieldForm>(1 + (draw >> 8) % 3)});
    }
    sets.emplace_back(fields.begin(), fields.end());
  }
  return sets;
}

// Sends of one day in the order in which they would come: sessions of 1 to 6 sends that overlap.
class Traffic {
 public:
  Traffic(uint64_t subjects, uint64_t seed) : subjects_(subjects), state_(seed) {}

  LedgerSend Next() {
    Session& session = open_[Draw() % open_.size()];
    if (session.left == 0) {
      // Half of all sessions is spread evenly; the other half falls with the square.
      const double u = static_cast<double>(Draw() >> 11) * 0x1p-53;
      const double skewed = Draw() % 2 == 0 ? u : u * u * u;
      session.subject = Subject(static_cast<uint64_t>(skewed * static_cast<double>(subjects_)));
      session.left = static_cast<uint32_t>(1 + Draw() % 6);
    }
    --session.left;
    // Few events come often.
    const double v = static_cast<double>(Draw() >> 11) * 0x1p-53;
    return {session.subject, static_cast<uint32_t>(v * v * kEvents)};
  }

 private:
  struct Session {
    SubjectId subject;
    uint32_t left = 0;
  };
  uint64_t Draw() { return Mix(state_++); }

  const uint64_t subjects_;
  uint64_t state_;
  std::vector<Session> open_ = std::vector<Session>(20'000);
};

double PeakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

struct Plan {
  uint64_t sends = 0;
  uint64_t subjects = 0;
  int32_t days = 0;
};

void Fill(Ledger* ledger, const std::string& vendor, uint32_t epochs, const Plan& plan) {
  Traffic traffic(plan.subjects, 1);
  double recording = 0;
  double longest = 0;
  uint64_t sequence = 0;
  for (int32_t day = 0; day < plan.days; ++day) {
    for (uint64_t sent = 0; sent < plan.sends / static_cast<uint64_t>(plan.days);) {
      LedgerBatch batch{vendor,
                        1 + static_cast<uint32_t>(day) * epochs / static_cast<uint32_t>(plan.days),
                        kFirstDay + day,
                        ++sequence,
                        FieldSets(),
                        {}};
      for (size_t i = 0; i < kBatchSends; ++i) batch.sends.push_back(traffic.Next());
      sent += batch.sends.size();
      const double begin = Now();
      Check(ledger->Record(batch).has_value(), "recorded");
      longest = std::max(longest, Now() - begin);
      recording += Now() - begin;
    }
  }
  const double begin = Now();
  Check(ledger->Fold().has_value(), "folded");
  std::printf("recorded %llu sends in %.1f s, the longest batch %.2f s, last fold %.2f s\n",
              static_cast<unsigned long long>(ledger->stats().sends), recording, longest,
              Now() - begin);
}

void Ask(const Ledger& ledger, const std::string& vendor, const char* what, int32_t days,
         const Plan& plan) {
  const LedgerWindow window{vendor, std::nullopt, kFirstDay + plan.days - days,
                            kFirstDay + plan.days};
  double begin = Now();
  const Result<Exposure> exposure = ledger.Ask(window);
  Check(exposure.has_value(), "answered");
  std::printf("%-12s ask %d days %.2f s: %llu subjects, %llu sends, %zu fields", what, days,
              Now() - begin, static_cast<unsigned long long>(exposure->subjects),
              static_cast<unsigned long long>(exposure->sends), exposure->fields.size());
  begin = Now();
  uint64_t subjects = 0;
  uint64_t fields = 0;
  Check(ledger
            .ForEachSubject(window,
                            [&](const SubjectId&, const SentFields& of_subject) {
                              ++subjects;
                              fields += of_subject.size();
                              return true;
                            })
            .has_value(),
        "listed");
  Check(subjects == exposure->subjects, "as many are listed as are counted");
  uint64_t counted = 0;
  for (const ExposedField& field : exposure->fields) counted += field.subjects;
  Check(fields == counted, "with as many fields");
  std::printf("; list %.2f s; peak %.0f MB\n", Now() - begin, PeakMegabytes());
}

void Measure(FileSystem& fs, const std::string& dir, uint32_t epochs, const Plan& plan) {
  const KeyRing keys(SecretBytes(std::string(kKeyBytes, 'e')));
  const std::string vendor = "vendor";
  std::unique_ptr<Ledger> ledger = *Ledger::Open(fs, dir, keys, {});
  if (ledger->LastSequence(vendor) == 0) Fill(ledger.get(), vendor, epochs, plan);
  const LedgerStats stats = ledger->stats();
  std::printf("%.2f bytes per send, %.0f MB in all, peak %.0f MB\n",
              static_cast<double>(stats.file_bytes) / static_cast<double>(stats.sends),
              static_cast<double>(stats.file_bytes) / 1e6, PeakMegabytes());
  ledger = nullptr;
  double begin = Now();
  ledger = *Ledger::Open(fs, dir, keys, {});
  std::printf("open %.1f ms\n", (Now() - begin) * 1000);
  Ask(*ledger, vendor, "folded", plan.days, plan);
  Ask(*ledger, vendor, "folded", 1, plan);
  Traffic traffic(plan.subjects, 99);
  for (uint64_t i = 1; i <= 100; ++i) {
    LedgerBatch batch{vendor,      epochs, kFirstDay + plan.days, ledger->LastSequence(vendor) + 1,
                      FieldSets(), {}};
    for (size_t j = 0; j < kBatchSends; ++j) batch.sends.push_back(traffic.Next());
    Check(ledger->Record(batch).has_value(), "recorded");
  }
  Ask(*ledger, vendor, "with journal", plan.days, plan);
  begin = Now();
  Check(ledger->Statement(vendor).has_value(), "stated");
  std::printf("statement %.2f s\n", Now() - begin);
  std::vector<SubjectId> gone;
  for (uint64_t i = 0; i < 100; ++i) gone.push_back(Subject(i * plan.subjects / 100));
  begin = Now();
  Check(ledger->Forget(gone).has_value(), "forgotten");
  std::printf("forget 100 subjects %.2f s, peak %.0f MB\n", Now() - begin, PeakMegabytes());
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: ledger_bench DIR [SENDS] [SUBJECTS] [DAYS]\n");
    return 2;
  }
  Plan plan;
  plan.sends = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10'000'000;
  plan.subjects = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : plan.sends / 10;
  plan.days = argc > 4 ? std::atoi(argv[4]) : 90;
  for (const uint32_t epochs : {1U, 2U}) {
    std::printf("--- %u epochs\n", epochs);
    Measure(RealFileSystem(), std::string(argv[1]) + "/epochs-" + std::to_string(epochs), epochs,
            plan);
  }
  return 0;
}

}  // namespace
}  // namespace bulkhead

int main(int argc, char** argv) { return bulkhead::Main(argc, argv); }
