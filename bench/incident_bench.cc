// Measures what an incident asks: exposure with classes, risk and residence, the list of subjects
// by risk, and the ids to look for in a leaked file, over a ledger that bench/ledger_bench.cc made,
// with a store that has two events of every subject.
//
//   incident_bench LEDGER_DIR STORE_DIR
//
// LEDGER_DIR is one of the directories that ledger_bench leaves, STORE_DIR an empty one.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "egress/ledger.h"
#include "egress/vendor_state.h"
#include "incident/exposure_survey.h"
#include "main/residence.h"
#include "store/store.h"
#include "store/test_keys.h"

namespace bulkhead {
namespace {

constexpr int kThreads = 2;
constexpr size_t kPageSubjects = 250'000;

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

double PeakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void Fill(Store* store, const std::vector<SubjectId>& subjects) {
  static constexpr const char* kCountries[] = {"DE", "FR", "US", "IT", "ES"};
  uint64_t position = store->applied_position();
  for (size_t begin = 0; begin < subjects.size(); begin += 5000) {
    Batch batch;
    for (size_t i = begin; i < std::min(begin + 5000, subjects.size()); ++i) {
      for (int64_t event = 0; event < 2; ++event) {
        Event& one = batch.events.emplace_back();
        one.name = "seen";
        one.time_ms = 1'780'000'000'000 + static_cast<int64_t>(i) * 10 + event;
        one.person = subjects[i];
        one.properties = {{"mp_country_code", Value(kCountries[i % 5])},
                          {"company", Value("org" + std::to_string(i % 3000))}};
      }
    }
    Check(store->Apply(batch, position, position + 1).has_value(), "applied");
    ++position;
  }
  Check(store->Flush().has_value(), "flushed");
}

void ListAll(const SurveyParts& parts) {
  const Stopwatch watch;
  uint64_t listed = 0;
  size_t pages = 0;
  std::optional<RiskPlace> after;
  for (bool more = true; more; ++pages) {
    const Result<RiskPage> page = ListByRisk(parts, after, kPageSubjects);
    Check(page.has_value(), "listed");
    listed += page->subjects.size();
    more = page->more;
    if (more) after = RiskPlace{page->subjects.back().score, page->subjects.back().subject};
  }
  std::printf("by risk: %llu subjects in %zu pages, %.1f s\n",
              static_cast<unsigned long long>(listed), pages, watch.Seconds());
}

void ComputeIds(const Ledger& ledger, const LedgerWindow& window) {
  const Stopwatch watch;
  VendorEpoch epoch;
  epoch.key = SecretBytes(std::string(kKeyBytes, 'v'));
  const EpochIds ids(epoch);
  uint64_t count = 0;
  Check(ledger
            .ForEachSubject(window,
                            [&](const SubjectId& subject, const SentFields&) {
                              count += ids.Of(subject).IsNobody() ? 0 : 1;
                              return true;
                            })
            .has_value(),
        "read");
  std::printf("ids: %llu in %.1f s\n", static_cast<unsigned long long>(count), watch.Seconds());
}

int Main(const std::string& ledger_dir, const std::string& store_dir) {
  InitCrypto();
  const KeyRing keys(SecretBytes(std::string(kKeyBytes, 'e')));
  const std::unique_ptr<Ledger> ledger = *Ledger::Open(RealFileSystem(), ledger_dir, keys, {});
  const LedgerWindow window{"vendor", std::nullopt, 0, INT32_MAX};
  std::vector<SubjectId> subjects;
  Check(ledger
            ->ForEachSubject(window,
                             [&](const SubjectId& subject, const SentFields&) {
                               subjects.push_back(subject);
                               return true;
                             })
            .has_value(),
        "read");
  StoreOptions options;
  options.keys = &TestStoreKeys();
  options.dir = store_dir;
  const std::unique_ptr<Store> store = *Store::Open(options);
  Fill(store.get(), subjects);
  const ProjectPolicy policy;
  const ExposedClasses classes({}, policy);
  double in_core = 0;
  const LedgerSource source(ledger.get(), window);
  const SurveyParts parts{&source, &classes, [&](const std::vector<SubjectId>& asked) {
                            const Stopwatch watch;
                            Result<Residence> residence = CountResidence(
                                store->snapshot(), {ProjectId{1}, "company", asked}, kThreads);
                            in_core += watch.Seconds();
                            return residence;
                          }};
  const Stopwatch watch;
  const Result<IncidentExposure> exposure = SurveyExposure(parts);
  Check(exposure.has_value(), "surveyed");
  std::printf(
      "exposure: %llu sends, %llu subjects, %.1f s, of which %.1f s for %zu countries and "
      "%zu organisations; peak %.0f MB\n",
      static_cast<unsigned long long>(exposure->sends),
      static_cast<unsigned long long>(exposure->subjects), watch.Seconds(), in_core,
      exposure->residence.countries.size(), exposure->residence.organisations.size(),
      PeakMegabytes());
  ListAll(parts);
  ComputeIds(*ledger, window);
  return 0;
}

}  // namespace
}  // namespace bulkhead

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: incident_bench LEDGER_DIR STORE_DIR\n");
    return 2;
  }
  return bulkhead::Main(argv[1], argv[2]);
}
