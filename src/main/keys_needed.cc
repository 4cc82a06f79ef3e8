#include "main/keys_needed.h"

namespace bulkhead {
namespace {

std::string Answer(bool needed) { return needed ? "ok yes" : "ok no"; }

// A vault that is on disk up to the log's end has opened every box; new ones are made with the
// newest key, since intake was started again with it.
bool BoxesWait(const Boards& boards) {
  const uint64_t end = boards.at(IndexOf(Compartment::kIntake))->Get(kIntakeDurableEnd);
  return boards.at(IndexOf(Compartment::kVault))->Get(kFollowerDurable) <= end;
}

}  // namespace

std::string AnswerKeysNeeded(std::string_view purpose, const Boards& boards, VaultClient* vault) {
  if (purpose == "vault-seal") {
    return Answer(BoxesWait(boards));
  }
  if (purpose != "subject-wrap" && purpose != "blind-index") {
    return "error this server cannot tell for that key";
  }
  const Result<RotateAnswer> progress = vault->Ask<RotateAnswer>(RotateCall{0});
  if (!progress) {
    return "error " + progress.error().message;
  }
  return Answer(
      (purpose == "subject-wrap" ? progress->subject_keys : progress->addresses).remaining > 0);
}

}  // namespace bulkhead
