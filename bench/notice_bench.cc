// How long a sending of many recipients takes to keep and to read, and what it takes of memory:
// notice_bench [RECIPIENTS].
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/check.h"
#include "incident/notice_code.h"
#include "incident/notice_rounds.h"

namespace {

using namespace bulkhead;  // NOLINT

constexpr std::string_view kId = "2025-11-26-1";

template <typename F>
double Seconds(const F& act) {
  const auto begin = std::chrono::steady_clock::now();
  act();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

NoticeRound Round(const NoticeCodes& codes, uint64_t recipients) {
  NoticeRound round;
  round.incident = kId;
  round.number = round.version = 1;
  round.code_key = 1;
  round.draft.text = std::string(3000, 'x') + std::string(kNoticeCodePlace);
  round.fields = {{"plan", FieldForm::kPlain}, {"town", FieldForm::kPlain}};
  for (uint64_t n = 0; n < recipients; ++n) {
    const std::string address = fmt::format("recipient{:08}@mail.example.org", n);
    SubjectId subject;
    RandomBytes(subject.bytes);
    round.recipients.push_back(
        {{subject}, address, RecipientLeaf(kId, address, codes.Of(kId, address)), {0, 1}});
  }
  return round;
}

}  // namespace

int main(int argc, char** argv) {
  InitCrypto();
  const uint64_t recipients = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::string dir = std::filesystem::temp_directory_path().string() + "/notice_bench";
  std::filesystem::remove_all(dir);
  const KeyRing ring(RandomSecret(kKeyBytes));
  const NoticeCodes codes(RandomSecret(kKeyBytes));
  auto rounds = NoticeRounds::Open(RealFileSystem(), dir, ring).value();
  NoticeRound round;
  const double made = Seconds([&] { round = Round(codes, recipients); });
  const TreeHash last = round.recipients.back().leaf;
  const double kept = Seconds(
      [&] { Check(static_cast<bool>(rounds->Add(std::move(round))), "the sending is kept"); });
  const double read = Seconds([&] {
    rounds.reset();
    rounds = NoticeRounds::Open(RealFileSystem(), dir, ring).value();
  });
  const double found = Seconds(
      [&] { Check(rounds->Find(std::string(kId), last).has_value(), "a recipient is found"); });
  const double proved = Seconds(
      [&] { Check(rounds->Prove(std::string(kId), last).has_value(), "a recipient is proved"); });
  constexpr int kNotes = 1000;
  const double noted = Seconds([&] {
    for (int i = 0; i < kNotes; ++i) {
      const auto due = rounds->Next(1);
      Check(static_cast<bool>(rounds->Note(*due, RecipientState::kTold, 250, 1)), "noted");
    }
  });
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print(
      "{} recipients: codes and leaves {:.1f} s, kept {:.1f} s, read {:.1f} s, {} MB on disk\n",
      recipients, made, kept, read,
      std::filesystem::file_size(dir + "/" + std::string(kId) + ".1") >> 20U);
  fmt::print("found {:.1f} ms, proved {:.1f} s, {:.2f} ms a note; {} MB at most\n", found * 1000,
             proved, noted * 1000 / kNotes, usage.ru_maxrss >> 10U);
  std::filesystem::remove_all(dir);
  return 0;
}
