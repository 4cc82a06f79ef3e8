// The ledger in its simplest form, and random histories, for tests: a list of every send.
#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "egress/ledger.h"

namespace bulkhead {

inline SubjectId LedgerSubject(uint32_t number) {
  SubjectId id;
  uint64_t x = number * 0x9E3779B97F4A7C15ULL + 1;
  for (uint8_t& byte : id.bytes) {
    x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9ULL;
    byte = static_cast<uint8_t>(x >> 56);
  }
  return id;
}

inline const KeyRing& LedgerTestKeys() {
  static const KeyRing keys(SecretBytes(std::string(kKeyBytes, 'e')));
  return keys;
}

class NaiveLedger {
 public:
  void Record(const LedgerBatch& batch) {
    if (batch.sequence <= sequences_[batch.vendor]) return;
    sequences_[batch.vendor] = batch.sequence;
    for (const LedgerSend& send : batch.sends) {
      sends_.push_back(
          {batch.vendor, batch.epoch, batch.day, send.subject, batch.field_sets[send.fields]});
    }
  }
  void Forget(const std::vector<SubjectId>& subjects) {
    const std::set<SubjectId> gone(subjects.begin(), subjects.end());
    for (Send& send : sends_) {
      if (gone.contains(send.subject)) send.subject = SubjectId{};
    }
  }

  // By subject; nobody's among them.
  [[nodiscard]] std::map<SubjectId, SentFields> Subjects(const LedgerWindow& window) const {
    std::map<SubjectId, std::set<SentField>> fields;
    for (const Send& send : sends_) {
      if (Holds(window, send)) fields[send.subject].insert(send.fields.begin(), send.fields.end());
    }
    std::map<SubjectId, SentFields> lists;
    for (const auto& [subject, set] : fields) lists[subject] = {set.begin(), set.end()};
    return lists;
  }

  [[nodiscard]] Exposure Ask(const LedgerWindow& window) const {
    std::map<SentField, ExposedField> fields;
    std::map<uint32_t, uint64_t> epochs;
    Exposure exposure;
    for (const Send& send : sends_) {
      if (!Holds(window, send)) continue;
      ++exposure.sends;
      ++epochs[send.epoch];
      for (const SentField& field : send.fields) {
        const auto [at, is_new] =
            fields.try_emplace(field, ExposedField{field, 0, 0, send.day, send.day});
        ++at->second.sends;
        at->second.first_day = std::min(at->second.first_day, send.day);
        at->second.last_day = std::max(at->second.last_day, send.day);
      }
    }
    for (const auto& [subject, of_subject] : Subjects(window)) {
      if (subject.IsNobody()) continue;
      ++exposure.subjects;
      for (const SentField& field : of_subject) ++fields.at(field).subjects;
    }
    for (const auto& [field, exposed] : fields) exposure.fields.push_back(exposed);
    exposure.sends_of_epoch.assign(epochs.begin(), epochs.end());
    return exposure;
  }

  [[nodiscard]] std::set<std::pair<std::string, uint32_t>> Epochs() const {
    std::set<std::pair<std::string, uint32_t>> epochs;
    for (const Send& send : sends_) epochs.emplace(send.vendor, send.epoch);
    return epochs;
  }
  [[nodiscard]] std::optional<int32_t> FirstDay(const std::string& vendor, uint32_t epoch) const {
    std::optional<int32_t> first;
    for (const Send& send : sends_) {
      if (send.vendor == vendor && send.epoch == epoch) {
        first = std::min(first.value_or(send.day), send.day);
      }
    }
    return first;
  }
  [[nodiscard]] uint64_t LastSequence(const std::string& vendor) const {
    const auto found = sequences_.find(vendor);
    return found == sequences_.end() ? 0 : found->second;
  }
  [[nodiscard]] size_t sends() const { return sends_.size(); }

 private:
  struct Send {
    std::string vendor;
    uint32_t epoch = 0;
    int32_t day = 0;
    SubjectId subject;
    SentFields fields;
  };
  static bool Holds(const LedgerWindow& window, const Send& send) {
    return send.vendor == window.vendor && (!window.epoch || *window.epoch == send.epoch) &&
           send.day >= window.first_day && send.day <= window.last_day;
  }

  std::vector<Send> sends_;
  std::map<std::string, uint64_t> sequences_;
};

// What is the same in both answers, as one text.
inline std::string ExposureText(const Exposure& exposure) {
  std::string text = std::to_string(exposure.subjects) + " of " + std::to_string(exposure.sends);
  for (const ExposedField& field : exposure.fields) {
    text += "\n" + field.field.name + "/" + std::to_string(static_cast<int>(field.field.form)) +
            " " + std::to_string(field.subjects) + " " + std::to_string(field.sends) + " " +
            std::to_string(field.first_day) + "-" + std::to_string(field.last_day);
  }
  for (const auto& [epoch, sends] : exposure.sends_of_epoch) {
    text += "\nepoch " + std::to_string(epoch) + " " + std::to_string(sends);
  }
  return text;
}

// Few vendors, epochs, days, subjects and fields, so that everything meets everything.
class RandomSends {
 public:
  static constexpr int32_t kFirstDay = 20'000;
  static constexpr uint32_t kDays = 12;

  RandomSends(uint64_t seed, uint32_t subjects) : random_(seed), subjects_(subjects) {}

  uint32_t Below(uint32_t n) { return std::uniform_int_distribution<uint32_t>(0, n - 1)(random_); }

  // A new sequence, or now and then one that was recorded.
  LedgerBatch Next(uint32_t most_sends) {
    LedgerBatch batch;
    batch.vendor = Vendor();
    const uint32_t day = Below(kDays);
    batch.day = kFirstDay + static_cast<int32_t>(day);
    batch.epoch = 7 + day / 5 + (Below(10) == 0 ? 1 : 0);
    uint64_t& sequence = sequences_[batch.vendor];
    batch.sequence = sequence > 0 && Below(8) == 0 ? 1 + Below(static_cast<uint32_t>(sequence))
                                                   : sequence += 1 + Below(3);
    const uint32_t sets = 1 + Below(4);
    for (uint32_t i = 0; i < sets; ++i) batch.field_sets.push_back(Fields());
    const uint32_t sends = Below(most_sends + 1);
    for (uint32_t i = 0; i < sends; ++i) {
      const uint32_t subject = Below(subjects_) * Below(subjects_) / subjects_;  // skewed
      batch.sends.push_back({Below(30) == 0 ? SubjectId{} : LedgerSubject(subject), Below(sets)});
    }
    return batch;
  }

  std::string Vendor() { return std::string(1, static_cast<char>('a' + Below(3))) + "-vendor"; }

  LedgerWindow Window() {
    LedgerWindow window{Vendor(), std::nullopt, kFirstDay - 1, kFirstDay + 20};
    if (Below(2) == 0) window.epoch = 6 + Below(5);
    if (Below(3) != 0) {
      window.first_day = kFirstDay + static_cast<int32_t>(Below(kDays));
      window.last_day = window.first_day + static_cast<int32_t>(Below(6)) - 1;
    }
    return window;
  }

  std::vector<SubjectId> Subjects(uint32_t most) {
    std::vector<SubjectId> subjects(Below(most + 1));
    for (SubjectId& subject : subjects) subject = LedgerSubject(Below(subjects_));
    return subjects;
  }

 private:
  SentFields Fields() {
    static const char* const kNames[] = {"$browser", "$email", "path", "plan", "status"};
    std::set<SentField> fields;
    const uint32_t count = Below(5);
    for (uint32_t i = 0; i < count; ++i) {
      fields.insert({kNames[Below(5)], static_cast<FieldForm>(1 + Below(4))});
    }
    return {fields.begin(), fields.end()};
  }

  std::mt19937_64 random_;
  const uint32_t subjects_;
  std::map<std::string, uint64_t> sequences_;
};

}  // namespace bulkhead
