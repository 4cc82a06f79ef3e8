#include "incident/scorecard.h"

#include <fmt/format.h>

#include <cstdlib>

#include "incident/calendar.h"

namespace bulkhead {
namespace {

using Moment = DisclosureMoment;

// Tenths of days, rounded to the nearest.
std::string Days(int64_t ms) {
  const int64_t tenths = (std::abs(ms) * 10 + kDayMs / 2) / kDayMs;
  return fmt::format("{}{}.{} days", ms < 0 && tenths > 0 ? "-" : "", tenths / 10, tenths % 10);
}

std::string TimeText(const DisclosureVersion::Time& time) {
  return time.at_ms ? FormatTime(*time.at_ms) : "not known";
}

std::string AnswerText(const DisclosureVersion::Answer& answer) {
  if (!answer.yes) return "not answered";
  return *answer.yes ? "yes" : "no";
}

class Clocks {
 public:
  explicit Clocks(const DisclosureVersion& state) : state_(state) {}

  // "16.0 days = 2025-11-25 00:00 UTC - 2025-11-09 00:00 UTC"
  [[nodiscard]] std::optional<int64_t> Between(Moment from, Moment to, ScoreLine* line) const {
    line->what = fmt::format("from {} to {}", DisclosureMomentName(from), DisclosureMomentName(to));
    const auto* begin = Find(from);
    const auto* end = Find(to);
    for (const auto* time : {begin, end}) {
      if (time != nullptr) line->sources.push_back(time->source);
    }
    if (begin == nullptr || end == nullptr || !begin->at_ms || !end->at_ms) {
      line->arithmetic = "not known";
      return std::nullopt;
    }
    const int64_t taken = *end->at_ms - *begin->at_ms;
    line->arithmetic = fmt::format("{} - {} = {}", TimeText(*end), TimeText(*begin), Days(taken));
    return taken;
  }

 private:
  [[nodiscard]] const DisclosureVersion::Time* Find(Moment moment) const {
    const auto found = state_.times.find(moment);
    return found == state_.times.end() ? nullptr : &found->second;
  }
  const DisclosureVersion& state_;
};

Score Quickly(const DisclosureVersion& state, std::optional<int> promised_hours) {
  Score score;
  score.name = "quickly";
  const Clocks clocks(state);
  const auto taken =
      clocks.Between(Moment::kVendorAware, Moment::kCustomerTold, &score.lines.emplace_back());
  for (const auto& [from, to] : {std::pair{Moment::kOccurred, Moment::kVendorAware},
                                 std::pair{Moment::kVendorAware, Moment::kDataHandedOver},
                                 std::pair{Moment::kVendorAware, Moment::kPublic},
                                 std::pair{Moment::kVendorAware, Moment::kScopeCorrected}}) {
    static_cast<void>(clocks.Between(from, to, &score.lines.emplace_back()));
  }
  if (!promised_hours) {
    score.arithmetic = "the contract promises no time";
  } else if (!taken) {
    score.arithmetic = "how long it took is not known";
  } else {
    const int64_t promised = *promised_hours * kHourMs;
    score.points = *taken <= promised ? 100 : static_cast<int>(100 * promised / *taken);
    score.arithmetic =
        *taken <= promised
            ? fmt::format("{} of {} promised: 100", Days(*taken), Days(promised))
            : fmt::format("100 x {} promised / {} taken = {}; {} late", Days(promised),
                          Days(*taken), *score.points, Days(*taken - promised));
  }
  return score;
}

Score Answered(std::string name, DisclosureSubject subject, const DisclosureVersion& state) {
  Score score;
  score.name = std::move(name);
  int yes = 0, no = 0, open = 0;
  for (const DisclosureQuestion& question : DisclosureQuestions()) {
    if (question.subject != subject) continue;
    ScoreLine& line = score.lines.emplace_back();
    line.what = question.text;
    const auto found = state.answers.find(std::string(question.id));
    if (found == state.answers.end()) {
      line.arithmetic = "not asked";
      ++open;
      continue;
    }
    line.arithmetic = AnswerText(found->second);
    line.sources.push_back(found->second.source);
    (found->second.yes ? (*found->second.yes ? yes : no) : open) += 1;
  }
  if (yes + no > 0) {
    score.points = 100 * yes / (yes + no);
    score.arithmetic = fmt::format("100 x {} yes / ({} yes + {} no) = {}; {} open", yes, yes, no,
                                   *score.points, open);
  } else {
    score.arithmetic = fmt::format("nothing answered; {} open", open);
  }
  return score;
}

std::vector<ScoreLine> Corrections(const DisclosureRecord& record) {
  std::vector<ScoreLine> lines;
  const auto add = [&](const DisclosureVersion& version, std::string_view what,
                       const std::string& was, const std::string& is, const std::string& source) {
    if (was == is) return;
    lines.push_back({std::string(what),
                     fmt::format("{} became {}, noted {}", was, is, FormatTime(version.noted_ms)),
                     {source}});
  };
  for (size_t i = 1; i < record.versions().size(); ++i) {
    const DisclosureVersion before = record.StateAfter(i);
    const DisclosureVersion& version = record.versions()[i];
    for (const auto& [moment, time] : version.times) {
      if (const auto old = before.times.find(moment); old != before.times.end()) {
        add(version, DisclosureMomentName(moment), TimeText(old->second), TimeText(time),
            time.source);
      }
    }
    for (const auto& [id, answer] : version.answers) {
      if (const auto old = before.answers.find(id); old != before.answers.end()) {
        add(version, id, AnswerText(old->second), AnswerText(answer), answer.source);
      }
    }
  }
  return lines;
}

void AppendLine(const ScoreLine& line, std::string* out) {
  *out += "  " + line.what + " " + line.arithmetic;
  char before = '(';
  for (const std::string& source : line.sources) {
    *out += before == '(' ? " (" : "; ";
    *out += source;
    before = ';';
  }
  *out += line.sources.empty() ? "\n" : ")\n";
}

}  // namespace

Scorecard MakeScorecard(const DisclosureRecord& record) {
  const DisclosureVersion state = record.State();
  Scorecard card;
  card.vendor = record.vendor();
  card.versions = record.versions().size();
  card.scores = {Quickly(state, record.promised_hours()),
                 Answered("transparent", DisclosureSubject::kTransparent, state),
                 Answered("accountable", DisclosureSubject::kAccountable, state),
                 Answered("changed", DisclosureSubject::kChanged, state)};
  card.corrected = Corrections(record);
  return card;
}

std::string RenderScorecard(const Scorecard& scorecard) {
  std::string out = fmt::format("{}, from {} versions\n", scorecard.vendor, scorecard.versions);
  for (const Score& score : scorecard.scores) {
    out +=
        fmt::format("\n{}: {} ({})\n", score.name,
                    score.points ? std::to_string(*score.points) : "no number", score.arithmetic);
    for (const ScoreLine& line : score.lines) AppendLine(line, &out);
  }
  if (!scorecard.corrected.empty()) out += "\ncorrected:\n";
  for (const ScoreLine& line : scorecard.corrected) AppendLine(line, &out);
  return out;
}

}  // namespace bulkhead
