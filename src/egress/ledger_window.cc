#include "egress/ledger_window.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "egress/set_marks.h"

namespace bulkhead {
namespace {

constexpr uint32_t kStripe = 128 * 1024;  // subjects whose marks fit into the nearest caches
constexpr uint64_t kPassBytes = 400'000'000;

// All entries of an epoch, in steps of ordinals.
class EpochWalk {
 public:
  explicit EpochWalk(const EpochWindow& window) : window_(window) {
    for (const DayFile& day : window.days) cursors_.emplace_back(&day, window.dictionary.size());
    for (const auto& [day, of_day] : window.unfolded.days) unfolded_.emplace_back(of_day.entries);
  }

  // each(ordinal, set) for those before `end` that have not been visited.
  template <typename Each>
  Result<void> VisitBefore(uint32_t end, Each&& each) {
    for (size_t i = 0; i < cursors_.size(); ++i) {
      DayCursor& cursor = cursors_[i];
      const std::vector<uint32_t>& sets = window_.day_sets[i];
      for (; !cursor.AtEnd() && cursor.ordinal() < end; cursor.Next()) {
        for (const DayPart& part : cursor.parts()) each(cursor.ordinal(), sets[part.set]);
      }
      if (Result<void> read = cursor.status(); !read) return read;
    }
    for (std::span<const UnfoldedEntry>& entries : unfolded_) {
      while (!entries.empty() && entries.front().ordinal < end) {
        each(entries.front().ordinal, entries.front().set);
        entries = entries.subspan(1);
      }
    }
    return {};
  }

 private:
  const EpochWindow& window_;
  std::deque<DayCursor> cursors_;
  std::vector<std::span<const UnfoldedEntry>> unfolded_;
};

// The fields of the window, and which sets have each.
struct FieldIndex {
  std::vector<SentField> fields;
  std::vector<std::vector<uint32_t>> sets;  // by field
  std::vector<uint32_t> all;                // every set

  explicit FieldIndex(const FieldSetTable& table) {
    std::map<SentField, std::vector<uint32_t>> by_field;
    for (uint32_t set = 0; set < table.size(); ++set) {
      all.push_back(set);
      for (const SentField& field : table.at(set)) by_field[field].push_back(set);
    }
    for (auto& [field, of_field] : by_field) {
      fields.push_back(field);
      sets.push_back(std::move(of_field));
    }
  }

  // By set, which fields it has: a bit each.
  [[nodiscard]] std::vector<std::vector<uint64_t>> Masks() const {
    const std::vector<uint64_t> none((fields.size() + 63) / 64);
    std::vector<std::vector<uint64_t>> masks(all.size(), none);
    for (size_t field = 0; field < fields.size(); ++field) {
      for (const uint32_t set : sets[field]) masks[set][field / 64] |= uint64_t{1} << (field % 64);
    }
    return masks;
  }

  void AddSubjects(const SetMarks& marks, Exposure* exposure) const {
    exposure->subjects += marks.CountAny(all);
    for (size_t i = 0; i < fields.size(); ++i) {
      exposure->fields[i].subjects += marks.CountAny(sets[i]);
    }
  }
};

// --- Several epochs as one: a subject has another ordinal in each ---

struct Member {
  SubjectId subject;
  uint32_t epoch = 0;  // its place in the window
  uint32_t ordinal = 0;
};

// Passes take subjects by their first bits, so that each has an equal part and all are in order.
class JoinedEpochs {
 public:
  JoinedEpochs(const std::deque<EpochWindow>& epochs, uint32_t sets)
      : epochs_(epochs), sets_(sets) {}

  // each(subjects in order, their marks) -> whether to go on
  template <typename Each>
  Result<void> Run(Each&& each) {
    if (Result<void> found = FindActive(); !found) return found;
    const uint64_t bytes = active_count_ * (sizeof(Member) + sizeof(uint32_t) + sets_ / 8 + 1);
    const uint64_t passes = bytes / kPassBytes + 1;
    uint64_t found = 0;
    for (uint64_t pass = 0; pass < passes; ++pass) {
      Result<std::vector<Member>> members = Collect(pass, passes);
      if (!members) return members.error();
      found += members->size();
      const Result<SetMarks> marks = MarkPass(&*members);
      if (!marks) return marks.error();
      if (!each(std::span<const Member>(*members), *marks)) return {};
    }
    if (found != active_count_) {
      return Error{ErrorCode::kCorruption, "ledger: a day has subjects that its epoch has not"};
    }
    return {};
  }

 private:
  Result<void> FindActive() {
    for (const EpochWindow& epoch : epochs_) {
      std::vector<uint8_t>& active = active_.emplace_back(epoch.ordinals());
      Result<void> walked =
          EpochWalk(epoch).VisitBefore(kNoOrdinal, [&](uint32_t ordinal, uint32_t) {
            active_count_ += 1U - active[ordinal];
            active[ordinal] = 1;
          });
      if (!walked) return walked;
    }
    return {};
  }

  Result<std::vector<Member>> Collect(uint64_t pass, uint64_t passes) const {
    std::vector<Member> members;
    members.reserve(passes == 1 ? active_count_ : active_count_ / passes * 9 / 8);
    for (uint32_t place = 0; place < epochs_.size(); ++place) {
      const std::vector<uint8_t>& active = active_[place];
      const auto take = [&](uint32_t first, std::span<const SubjectId> subjects) {
        for (size_t i = 0; i < subjects.size(); ++i) {
          const uint32_t ordinal = first + static_cast<uint32_t>(i);
          if (active[ordinal] != 0 && !subjects[i].IsNobody() &&
              (subjects[i].Prefix() >> 32) * passes >> 32 == pass) {
            members.push_back({subjects[i], place, ordinal});
          }
        }
      };
      const EpochWindow& epoch = epochs_[place];
      if (Result<void> scanned = epoch.dictionary.Scan(take); !scanned) return scanned.error();
      take(epoch.dictionary.size(), epoch.unfolded.newcomers);
    }
    std::sort(members.begin(), members.end(),
              [](const Member& a, const Member& b) { return a.subject < b.subject; });
    return members;
  }

  // Leaves each subject once in `members`; the marks are by its place there.
  Result<SetMarks> MarkPass(std::vector<Member>* members) const {
    std::vector<std::vector<uint32_t>> places;
    for (const EpochWindow& epoch : epochs_) places.emplace_back(epoch.ordinals(), kNoOrdinal);
    uint32_t subjects = 0;
    for (const Member& member : *members) {
      if (subjects == 0 || (*members)[subjects - 1].subject != member.subject) {
        (*members)[subjects++] = member;
      }
      places[member.epoch][member.ordinal] = subjects - 1;
    }
    members->resize(subjects);
    SetMarks marks(sets_, subjects);
    for (size_t i = 0; i < epochs_.size(); ++i) {
      Result<void> walked =
          EpochWalk(epochs_[i]).VisitBefore(kNoOrdinal, [&](uint32_t ordinal, uint32_t set) {
            const uint32_t place = places[i][ordinal];
            if (place != kNoOrdinal) marks.Mark(set, place);
          });
      if (!walked) return walked.error();
    }
    return marks;
  }

  const std::deque<EpochWindow>& epochs_;
  const uint32_t sets_;
  std::vector<std::vector<uint8_t>> active_;  // by epoch and ordinal
  uint64_t active_count_ = 0;
};

Result<void> CountOneEpoch(const EpochWindow& epoch, const FieldIndex& index, uint32_t sets,
                           Exposure* exposure) {
  EpochWalk walk(epoch);
  SetMarks marks(sets, kStripe);
  for (uint64_t begin = 0; begin < epoch.ordinals(); begin += kStripe) {
    const auto first = static_cast<uint32_t>(begin);
    const auto end = static_cast<uint32_t>(std::min<uint64_t>(begin + kStripe, kNoOrdinal));
    Result<void> walked = walk.VisitBefore(
        end, [&](uint32_t ordinal, uint32_t set) { marks.Mark(set, ordinal - first); });
    if (!walked) return walked;
    index.AddSubjects(marks, exposure);
    marks.Clear();
  }
  return {};
}

// Tells of each subject with the fields of all its sets.
class SubjectTeller {
 public:
  SubjectTeller(const FieldIndex& index, const Ledger::EachSubject& each)
      : index_(index), each_(each), masks_(index.Masks()) {
    for (std::vector<uint64_t>& mask : of_group_) mask.resize((index.fields.size() + 63) / 64);
  }

  // Whether to go on.
  bool Tell(std::span<const Member> subjects, const SetMarks& marks) {
    const std::vector<uint32_t> touched = marks.Touched();
    for (size_t word = 0; word < marks.words(); ++word) {
      for (std::vector<uint64_t>& mask : of_group_) std::fill(mask.begin(), mask.end(), 0);
      for (const uint32_t set : touched) {
        for (uint64_t bits = marks.Word(set, word); bits != 0; bits &= bits - 1) {
          std::vector<uint64_t>& mask = of_group_[static_cast<size_t>(std::countr_zero(bits))];
          for (size_t i = 0; i < mask.size(); ++i) mask[i] |= masks_[set][i];
        }
      }
      const auto group =
          subjects.subspan(word * kGroup).first(std::min(kGroup, subjects.size() - word * kGroup));
      for (size_t i = 0; i < group.size(); ++i) {
        if (!each_(group[i].subject, FieldsOf(of_group_[i]))) return false;
      }
    }
    return true;
  }

 private:
  static constexpr size_t kGroup = 64;

  const SentFields& FieldsOf(const std::vector<uint64_t>& mask) {
    size_t count = 0;
    for (size_t i = 0; i < mask.size(); ++i) {
      for (uint64_t bits = mask[i]; bits != 0; bits &= bits - 1) {
        const SentField& field =
            index_.fields[i * 64 + static_cast<size_t>(std::countr_zero(bits))];
        if (count == fields_.size()) fields_.emplace_back();
        fields_[count++] = field;
      }
    }
    fields_.resize(count);
    return fields_;
  }

  const FieldIndex& index_;
  const Ledger::EachSubject& each_;
  const std::vector<std::vector<uint64_t>> masks_;
  std::array<std::vector<uint64_t>, kGroup> of_group_;
  SentFields fields_;
};

}  // namespace

Result<WindowCount> WindowCount::Open(FileSystem& fs, const std::string& dir,
                                      const LedgerWindow& window, const LedgerVendors& vendors,
                                      const LedgerBatches& batches) {
  WindowCount count;
  std::map<uint32_t, EpochWindow> epochs;
  for (const LedgerBatchRef& batch : batches) {
    if (batch->vendor == window.vendor && batch->day >= window.first_day &&
        batch->day <= window.last_day && !batch->sends.empty()) {
      epochs[batch->epoch].batches.push_back(batch);
    }
  }
  static const LedgerVendor kNone;
  const auto found = vendors.find(window.vendor);
  const LedgerVendor& vendor = found == vendors.end() ? kNone : found->second;
  for (const auto& [number, files] : vendor.epochs) epochs.try_emplace(number);
  for (auto& [number, epoch] : epochs) {
    if (window.epoch && *window.epoch != number) continue;
    epoch.epoch = number;
    const auto files = vendor.epochs.find(number);
    if (files != vendor.epochs.end()) {
      Result<void> opened = count.OpenEpoch(fs, dir, window, files->second, &epoch);
      if (!opened) return opened.error();
    }
    if (!epoch.days.empty() || !epoch.batches.empty()) {
      count.epochs_.push_back(std::move(epoch));
    }
  }
  return count;
}

Result<void> WindowCount::OpenEpoch(FileSystem& fs, const std::string& dir,
                                    const LedgerWindow& window, const LedgerEpoch& files,
                                    EpochWindow* epoch) {
  for (const LedgerDayFile& file : files.days) {
    if (file.day < window.first_day || file.day > window.last_day) continue;
    Result<DayFile> day = DayFile::Open(fs, dir, file);
    if (!day) return day.error();
    std::vector<uint32_t>& sets = epoch->day_sets.emplace_back();
    for (const DaySet& set : day->sets()) {
      sets.push_back(table_.Intern(set.fields));
      AddSends(epoch, sets.back(), file.day, set.sends);
    }
    epoch->days.push_back(*std::move(day));
  }
  Result<SubjectDictionary> dictionary = SubjectDictionary::Open(fs, dir, files.subjects);
  if (!dictionary) return dictionary.error();
  epoch->dictionary = *std::move(dictionary);
  return {};
}

void WindowCount::AddSends(EpochWindow* epoch, uint32_t set, int32_t day, uint64_t sends) {
  if (sends == 0) return;
  epoch->sends += sends;
  totals_.resize(table_.size());
  SetTotals& totals = totals_[set];
  totals.first_day = totals.sends == 0 ? day : std::min(totals.first_day, day);
  totals.last_day = totals.sends == 0 ? day : std::max(totals.last_day, day);
  totals.sends += sends;
}

Result<void> WindowCount::Resolve() {
  for (EpochWindow& epoch : epochs_) {
    if (epoch.batches.empty()) continue;
    Result<UnfoldedSends> unfolded = ResolveSends(epoch.dictionary, epoch.batches, {}, &table_);
    if (!unfolded) return unfolded.error();
    epoch.unfolded = *std::move(unfolded);
    for (const auto& [day, of_day] : epoch.unfolded.days) {
      for (const UnfoldedEntry& entry : of_day.entries) {
        AddSends(&epoch, entry.set, day, entry.count);
      }
      for (const auto& [set, sends] : of_day.nobody) AddSends(&epoch, set, day, sends);
    }
  }
  totals_.resize(table_.size());
  return {};
}

Result<Exposure> WindowCount::Count() const {
  const FieldIndex index(table_);
  Exposure exposure;
  for (const EpochWindow& epoch : epochs_) {
    exposure.sends += epoch.sends;
    exposure.sends_of_epoch.emplace_back(epoch.epoch, epoch.sends);
  }
  for (size_t i = 0; i < index.fields.size(); ++i) {
    ExposedField field{index.fields[i], 0, 0, INT32_MAX, 0};
    for (const uint32_t set : index.sets[i]) {
      const SetTotals& totals = totals_[set];
      if (totals.sends == 0) continue;
      field.sends += totals.sends;
      field.first_day = std::min(field.first_day, totals.first_day);
      field.last_day = std::max(field.last_day, totals.last_day);
    }
    exposure.fields.push_back(std::move(field));
  }
  Result<void> counted;
  if (epochs_.size() == 1) {
    counted = CountOneEpoch(epochs_.front(), index, table_.size(), &exposure);
  } else {
    counted = JoinedEpochs(epochs_, table_.size())
                  .Run([&](std::span<const Member>, const SetMarks& marks) {
                    index.AddSubjects(marks, &exposure);
                    return true;
                  });
  }
  if (!counted) return counted.error();
  std::erase_if(exposure.fields, [](const ExposedField& field) { return field.sends == 0; });
  return exposure;
}

Result<void> WindowCount::ForEachSubject(const Ledger::EachSubject& each) const {
  const FieldIndex index(table_);
  SubjectTeller teller(index, each);
  return JoinedEpochs(epochs_, table_.size())
      .Run([&](std::span<const Member> subjects, const SetMarks& marks) {
        return teller.Tell(subjects, marks);
      });
}

}  // namespace bulkhead
