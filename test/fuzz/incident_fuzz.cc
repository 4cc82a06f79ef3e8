// Arbitrary bytes as a leaked file, in pieces; as the data file of obligations; as a notice code
// that somebody types; and as a mail.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "crypto/crypto.h"
#include "incident/dkim.h"
#include "incident/dump_matcher.h"
#include "incident/dump_reader.h"
#include "incident/notice_code.h"
#include "incident/obligations.h"

namespace {

using namespace bulkhead;  // NOLINT

SubjectId Known() {
  SubjectId id;
  for (uint8_t i = 0; i < 16; ++i) id.bytes[i] = static_cast<uint8_t>(i * 17);
  return id;
}

DumpReport Match(std::string_view file, size_t piece) {
  const SubjectId subject = Known();
  DumpMatcher::Parts parts;
  parts.subjects = {&subject, 1};
  parts.sources = {{"v", 1}};
  parts.vendor_id = [](const DumpSource&, const SubjectId& id) { return id; };
  parts.canaries = {{"c", {"v", 1}, {}, "a1@b.example"}};
  auto matcher = DumpMatcher::Create(parts).value();
  for (size_t at = 0; at < file.size(); at += piece) matcher->Feed(file.substr(at, piece));
  return matcher->Finish();
}

void FuzzDump(std::string_view file) {
  const DumpReport whole = Match(file, file.size() + 1);
  const DumpReport pieces = Match(file, 3);
  Check(whole.bytes == file.size(), "every byte is looked at");
  Check(whole.genuine_records <= whole.records, "genuine records are records");
  if (whole.cut_records == 0 && pieces.cut_records == 0) {
    Check(whole.records == pieces.records && whole.ids == pieces.ids &&
              whole.genuine_records == pieces.genuine_records &&
              whole.sources[0].canaries == pieces.sources[0].canaries,
          "pieces of any size give the same");
  }
}

void FuzzObligations(std::string_view text) {
  const Result<Obligations> loaded = Obligations::Load(text, "o");
  if (!loaded) return;
  Situation situation;
  for (const auto& [role, meaning] : loaded->file().roles) situation.roles.insert(role);
  for (const auto& [clock, meaning] : loaded->file().clocks)
    situation.clocks[clock] = 1'764'000'000'000;
  situation.classes = {"user"};
  situation.risk = Risk::kHigh;
  const auto applied = loaded->Apply(situation);
  Check(applied && applied->size() == loaded->file().rules.size(), "every rule has an answer");
}

void FuzzCodeAndMail(std::string_view text) {
  static const NoticeCodes codes{SecretBytes(std::string_view("fuzz-key-fuzz-key-fuzz-key-fuzz!"))};
  if (const auto code = NormaliseNoticeCode(text)) {
    Check(NormaliseNoticeCode(*code) == code, "the one spelling is its own");
  }
  Check(!codes.Verify(text, "i", "a@b") || HasGoodChecksum(text), "our codes have good checksums");
  const std::string body = RelaxedBody(text);
  Check(RelaxedBody(body) == body, "the canonical form is its own");
  static const SigningKey key{SecretBytes(std::string_view("fuzz-key-fuzz-key-fuzz-key-fuzz!"))};
  MailMessage mail{{{"From", "a@b"}, {"Subject", std::string(text)}}, std::string(text)};
  if (const auto signed_mail = SignMail({"b", "", "s", nullptr, &key}, mail, 1)) {
    Check(signed_mail->headers.size() == 3, "one signature");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  InitCrypto();
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      FuzzDump(rest);
      break;
    case 1:
      FuzzObligations(rest);
      break;
    default:
      FuzzCodeAndMail(rest);
      break;
  }
  return 0;
}
