// The store's meaning in the simplest form, for tests: a list that is searched from end to end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/event.h"
#include "store/profiles.h"
#include "store/retention_rules.h"
#include "store/segment_data.h"

namespace bulkhead {

class NaiveStore {
 public:
  struct Row {
    Event event;  // properties sorted by name
    uint64_t order = 0;
  };

  void Apply(const Batch& batch) {
    for (const Event& event : batch.events) {
      ApplyEvent(event);
    }
    for (const ProfileUpdate& update : batch.profile_updates) {
      if (update.group_key.empty()) {
        ApplyProfile(update);
      }
    }
  }

  void Erase(const SubjectId& person) {
    const SubjectId who = Canonical(person);
    std::erase_if(rows_, [&](const Row& row) { return Canonical(row.event.person) == who; });
    std::erase_if(profiles_, [&](const auto& p) { return Canonical(p.first) == who; });
    std::vector<SubjectId> devices;
    for (const auto& [device, user] : links_) {
      if (Canonical(device) == who) devices.push_back(device);
    }
    for (const SubjectId& device : devices) links_.erase(device);
  }

  // How many there were.
  size_t Expire(const RetentionRules& rules, int64_t now_ms) {
    const RetentionCutoffs cutoffs(rules, now_ms);
    return std::erase_if(
        rows_, [&](const Row& row) { return row.event.time_ms < cutoffs.Of(row.event.name); });
  }

  [[nodiscard]] SubjectId Canonical(SubjectId id) const {
    for (auto link = links_.find(id); link != links_.end(); link = links_.find(id)) {
      id = link->second;
    }
    return id;
  }

  // Each person's rows by (time, arrival).
  [[nodiscard]] std::map<SubjectId, std::vector<Row>> People() const {
    std::map<SubjectId, std::vector<Row>> people;
    for (const Row& row : rows_) {
      people[Canonical(row.event.person)].push_back(row);
    }
    for (auto& [id, rows] : people) {
      std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
        return a.event.time_ms != b.event.time_ms ? a.event.time_ms < b.event.time_ms
                                                  : a.order < b.order;
      });
    }
    return people;
  }
  [[nodiscard]] const std::map<SubjectId, ValueObject>& profiles() const { return profiles_; }
  [[nodiscard]] size_t rows() const { return rows_.size(); }

 private:
  void ApplyEvent(Event event) {
    const SubjectId zero;
    const bool is_user = std::any_of(links_.begin(), links_.end(),
                                     [&](const auto& link) { return link.second == event.device; });
    if (event.device != zero && event.person != zero && event.device != event.person &&
        !links_.contains(event.device) && !is_user) {
      links_[event.device] = Canonical(event.person);
      profiles_.erase(event.device);
    }
    std::sort(event.properties.begin(), event.properties.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    const uint64_t fingerprint = event.insert_id & kFingerprintMask;
    if (fingerprint != 0) {
      const auto same = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) {
        return row.event.name == event.name && row.event.person == event.person &&
               row.event.time_ms == event.time_ms &&
               (row.event.insert_id & kFingerprintMask) == fingerprint;
      });
      if (same != rows_.end()) {
        if (same->event.properties == event.properties) return;
        rows_.erase(same);
      }
    }
    rows_.push_back({std::move(event), next_++});
  }

  void ApplyProfile(const ProfileUpdate& update) {
    const SubjectId subject = Canonical(update.subject);
    if (subject.IsNobody()) return;
    if (update.op == ProfileOperator::kDelete) {
      profiles_.erase(subject);
      return;
    }
    const bool creates =
        update.op != ProfileOperator::kUnset && update.op != ProfileOperator::kRemove;
    if (!creates && !profiles_.contains(subject)) return;
    ValueObject& profile = profiles_[subject];
    ApplyOperator(update, &profile);
    if (!update.ignore_time) {
      ProfileUpdate seen;
      seen.properties = {{"$last_seen", Value(ProfileTime(update.time_ms))}};
      ApplyOperator(seen, &profile);
    }
  }

  std::vector<Row> rows_;
  std::map<SubjectId, SubjectId> links_;
  std::map<SubjectId, ValueObject> profiles_;
  uint64_t next_ = 0;
};

}  // namespace bulkhead
