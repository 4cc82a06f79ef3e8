#include "main/notice_office.h"

#include <utility>

namespace bulkhead {
namespace {

constexpr std::string_view kSettingsFile = "notice.toml";

Result<NoticeSettings> ReadSettings(FileSystem& fs, const std::string& policy_dir) {
  const std::string path = policy_dir + "/" + std::string(kSettingsFile);
  if (!fs.Exists(path)) {
    return Error{ErrorCode::kNotFound,
                 "policy/notice.toml, which says how notices are sent, is "
                 "not there"};
  }
  const Result<std::string> text = fs.ReadWhole(path);
  return text ? ParseNoticeSettings(*text, kSettingsFile) : text.error();
}

}  // namespace

Result<std::unique_ptr<NoticeOffice>> NoticeOffice::Open(Parts parts) {
  std::unique_ptr<NoticeOffice> office(new NoticeOffice);
  const std::string dir = parts.dir + "/notices";
  Result<std::unique_ptr<NoticeRounds>> rounds =
      NoticeRounds::Open(*parts.fs, dir, parts.keys->vendor_keys);
  if (!rounds) {
    return rounds.error();
  }
  office->rounds_ = *std::move(rounds);
  Result<std::unique_ptr<NoticeCredential>> credential =
      NoticeCredential::Open(*parts.fs, dir + "/relay", parts.keys->vendor_keys);
  if (!credential) {
    return credential.error();
  }
  office->credential_ = *std::move(credential);
  Result<IncidentStore> incidents =
      IncidentStore::Open(*parts.fs, parts.dir + "/incidents", parts.keys->vendor_keys);
  if (!incidents) {
    return incidents.error();
  }
  const auto settings = [fs = parts.fs, policy_dir = parts.policy_dir] {
    return ReadSettings(*fs, policy_dir);
  };
  office->check_ = std::make_unique<NoticeCheck>(
      NoticeCheck::Parts{office->rounds_.get(), &parts.keys->notice_code_keys,
                         &parts.keys->notice_signing_seeds, parts.clock, parts.record});
  NoticeSender::Parts sender;
  sender.rounds = office->rounds_.get();
  sender.credential = office->credential_.get();
  sender.keys = parts.keys;
  sender.clock = parts.clock;
  sender.settings = settings;
  sender.policy_dir = parts.policy_dir;
  sender.log = parts.log;
  office->sender_ = std::make_unique<NoticeSender>(std::move(sender));
  office->desk_ = std::make_unique<NoticeDesk>(
      NoticeDesk::Parts{.incidents = *std::move(incidents),
                        .policy = PolicyFollower(parts.fs, parts.policy_versions_dir),
                        .gather = parts.gather,
                        .rounds = office->rounds_.get(),
                        .credential = office->credential_.get(),
                        .sender = office->sender_.get(),
                        .check = office->check_.get(),
                        .keys = parts.keys,
                        .clock = parts.clock,
                        .settings = settings,
                        .record = std::move(parts.record),
                        .reveal = std::move(parts.reveal)});
  return office;
}

Result<std::string> NoticeOffice::AnswerQuestion(std::string_view body) {
  const Result<NoticeQuestion> question = DecodeNoticeQuestion(body);
  const Result<NoticeAnswer> answer =
      question ? check_->Answer(*question) : Result<NoticeAnswer>(question.error());
  return answer ? Result<std::string>(EncodeNoticeAnswer(*answer)) : answer.error();
}

}  // namespace bulkhead
