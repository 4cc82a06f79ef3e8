// Someone who has all of a vendor's data and looks for canaries in it: numbers of each subject that
// might tell, and a classifier that learns from known canaries which do. For tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/event.h"

namespace bulkhead {

inline constexpr int64_t kSearchDayMs = 86'400'000;

// What the vendor has of one subject, in order of time.
struct SearchedSubject {
  bool canary = false;
  std::vector<Event> events;
};

class CanarySearch {
 public:
  explicit CanarySearch(std::vector<SearchedSubject> subjects) : subjects_(std::move(subjects)) {
    for (SearchedSubject& subject : subjects_) {
      std::ranges::stable_sort(subject.events, {}, &Event::time_ms);
      std::set<std::string> values;
      for (const Event& event : subject.events) {
        ++names_[event.name];
        ++times_[event.time_ms];
        for (const auto& [name, value] : event.properties) values.insert(name + ToJson(value));
      }
      for (const std::string& value : values) ++holders_[value];
    }
    days_ = MakeBins(kSearchDayMs);
    hours_ = MakeBins(kSearchDayMs / 24);
  }

  std::vector<std::string> feature_names() const { return feature_names_; }
  const std::vector<std::vector<double>>& features() {
    if (features_.empty()) {
      for (size_t i = 0; i < subjects_.size(); ++i) features_.push_back(FeaturesOf(i));
    }
    return features_;
  }
  std::vector<bool> labels() const {
    std::vector<bool> labels;
    for (const SearchedSubject& subject : subjects_) labels.push_back(subject.canary);
    return labels;
  }

 private:
  // Which event a subject did in which unit of time; and who did that.
  struct Bins {
    std::vector<std::vector<uint32_t>> of;
    std::vector<std::vector<uint32_t>> who;
  };
  Bins MakeBins(int64_t unit) const {
    Bins bins;
    std::map<std::pair<std::string, int64_t>, uint32_t> numbers;
    for (uint32_t i = 0; i < subjects_.size(); ++i) {
      std::set<uint32_t> own;
      for (const Event& event : subjects_[i].events) {
        own.insert(
            numbers.try_emplace({event.name, event.time_ms / unit}, numbers.size()).first->second);
      }
      bins.of.emplace_back(own.begin(), own.end());
      bins.who.resize(numbers.size());
      for (const uint32_t bin : own) bins.who[bin].push_back(i);
    }
    return bins;
  }
  // How much of what it did, and when, the subject that is most like it did too.
  double Nearest(size_t subject, const Bins& bins) {
    common_.assign(subjects_.size(), 0);
    for (const uint32_t bin : bins.of[subject]) {
      for (const uint32_t other : bins.who[bin]) ++common_[other];
    }
    common_[subject] = 0;
    double most = 0;
    for (size_t other = 0; other < common_.size(); ++other) {
      const size_t all = bins.of[subject].size() + bins.of[other].size() - common_[other];
      most = std::max(most, static_cast<double>(common_[other]) / static_cast<double>(all));
    }
    return most;
  }

  void Add(const char* name, double value, std::vector<double>* features) {
    if (features_.empty()) feature_names_.emplace_back(name);
    features->push_back(value);
  }

  std::vector<double> FeaturesOf(size_t i) {
    std::vector<double> features;
    AddTimes(subjects_[i].events, &features);
    AddNames(subjects_[i].events, &features);
    AddValues(subjects_[i].events, &features);
    Add("nearest by days", Nearest(i, days_), &features);
    Add("nearest by hours", Nearest(i, hours_), &features);
    return features;
  }

  void AddTimes(const std::vector<Event>& events, std::vector<double>* features) {
    const auto count = static_cast<double>(events.size());
    std::set<int64_t> days;
    std::vector<double> gaps;
    double sessions = 1, weekend = 0, hour = 0, copies = 0;
    for (size_t i = 0; i < events.size(); ++i) {
      const int64_t time = events[i].time_ms;
      days.insert(time / kSearchDayMs);
      weekend += time / kSearchDayMs % 7 < 2 ? 1 : 0;
      hour += static_cast<double>(time % kSearchDayMs) / kSearchDayMs * 24;
      copies += times_.at(time) > 1 ? 1 : 0;
      if (i > 0) {
        const auto gap = static_cast<double>(time - events[i - 1].time_ms);
        sessions += gap > 1'800'000 ? 1 : 0;
        if (gap <= 1'800'000) gaps.push_back(std::log(gap + 1));
      }
    }
    std::ranges::sort(gaps);
    const auto active = static_cast<double>(days.size());
    const auto first = static_cast<double>(*days.begin());
    const auto last = static_cast<double>(*days.rbegin());
    Add("events", std::log(count), features);
    Add("days", std::log(active), features);
    Add("events a day", std::log(count / active), features);
    Add("events a session", std::log(count / sessions), features);
    Add("sessions a day", std::log(sessions / active), features);
    Add("first day", first, features);
    Add("last day", last, features);
    Add("active share", active / (last - first + 1), features);
    Add("shortest gap", gaps.empty() ? 10 : gaps.front(), features);
    Add("middle gap", gaps.empty() ? 10 : gaps[gaps.size() / 2], features);
    Add("weekend", weekend / count, features);
    Add("hour", hour / count, features);
    Add("times that others have", copies / count, features);
  }

  void AddNames(const std::vector<Event>& events, std::vector<double>* features) {
    std::map<std::string, double> counts;
    for (const Event& event : events) ++counts[event.name];
    double most = 0;
    for (const auto& [name, total] : names_) {
      const double share = counts[name] / static_cast<double>(events.size());
      Add(("share of " + name).c_str(), share, features);
      most = std::max(most, share);
    }
    Add("favourite's share", most, features);
  }

  // Of each property: how many values, how common they are, how many are nobody else's.
  void AddValues(const std::vector<Event>& events, std::vector<double>* features) {
    std::map<std::string, std::set<std::string>> values;
    std::map<std::string, double> seen, common, numbers;
    for (const Event& event : events) {
      for (const auto& [name, value] : event.properties) {
        values[name].insert(ToJson(value));
        ++seen[name];
        common[name] += std::log(static_cast<double>(holders_.at(name + ToJson(value))));
        numbers[name] += value.is_number() ? value.number() : 0;
      }
    }
    for (const char* name : {"os", "plan", "town", "account", "page", "order", "amount"}) {
      const std::string text(name);
      const double count = std::max(seen[text], 1.0);
      Add((text + ": values").c_str(), std::log1p(static_cast<double>(values[text].size())),
          features);
      Add((text + ": change").c_str(), static_cast<double>(values[text].size()) / count, features);
      Add((text + ": common").c_str(), common[text] / count, features);
      Add((text + ": mean").c_str(), numbers[text] / count, features);
    }
  }

  std::vector<SearchedSubject> subjects_;
  std::map<std::string, size_t> names_, holders_;
  std::map<int64_t, size_t> times_;
  Bins days_, hours_;
  std::vector<uint32_t> common_;
  std::vector<std::string> feature_names_;
  std::vector<std::vector<double>> features_;
};

// The chance that a canary scores above another subject; one half: the score tells nothing.
inline double AreaUnderCurve(const std::vector<double>& scores, const std::vector<bool>& labels) {
  std::vector<std::pair<double, bool>> sorted;
  for (size_t i = 0; i < scores.size(); ++i) sorted.emplace_back(scores[i], labels[i]);
  std::ranges::sort(sorted);
  double above = 0, canaries = 0, below = 0;
  for (size_t i = 0; i < sorted.size();) {
    double tied_canaries = 0, tied_others = 0;
    size_t end = i;
    for (; end < sorted.size() && sorted[end].first == sorted[i].first; ++end) {
      (sorted[end].second ? tied_canaries : tied_others) += 1;
    }
    above += tied_canaries * (below + tied_others / 2);
    canaries += tied_canaries;
    below += tied_others;
    i = end;
  }
  return above / (canaries * below);
}

// Logistic regression over the features and their squares, each canary weighing as much as all that
// are not one; a subject's score is what those learnt say that did not have it: tenfold.
inline std::vector<double> LearntScores(const std::vector<std::vector<double>>& raw,
                                        const std::vector<bool>& labels, uint64_t seed) {
  const size_t subjects = raw.size();
  const size_t width = raw[0].size();
  std::vector<std::vector<double>> features(subjects, std::vector<double>(2 * width + 1, 1.0));
  for (size_t f = 0; f < width; ++f) {
    double mean = 0, square = 0;
    for (const auto& row : raw) mean += row[f] / static_cast<double>(subjects);
    for (const auto& row : raw) {
      square += (row[f] - mean) * (row[f] - mean) / static_cast<double>(subjects);
    }
    for (size_t i = 0; i < subjects; ++i) {
      const double x = square < 1e-12 ? 0 : (raw[i][f] - mean) / std::sqrt(square);
      features[i][f] = std::clamp(x, -4.0, 4.0);
      features[i][width + f] = std::clamp(x * x, 0.0, 16.0) / 4;
    }
  }
  std::mt19937_64 random(seed);
  std::vector<size_t> fold(subjects);
  for (size_t& one : fold) one = random() % 10;
  std::vector<double> scores(subjects);
  for (size_t held = 0; held < 10; ++held) {
    double canaries = 0, others = 0;
    for (size_t i = 0; i < subjects; ++i) {
      if (fold[i] != held) (labels[i] ? canaries : others) += 1;
    }
    std::vector<double> weights(2 * width + 1, 0.0);
    for (int step = 0; step < 60; ++step) {
      std::vector<double> slope(weights.size(), 0.0);
      for (size_t i = 0; i < subjects; ++i) {
        if (fold[i] == held) continue;
        double z = 0;
        for (size_t f = 0; f < weights.size(); ++f) z += weights[f] * features[i][f];
        const double error = (labels[i] ? 1.0 : 0.0) - 1 / (1 + std::exp(-z));
        const double weight = error / (labels[i] ? canaries : others);
        for (size_t f = 0; f < weights.size(); ++f) slope[f] += weight * features[i][f];
      }
      for (size_t f = 0; f < weights.size(); ++f)
        weights[f] += 0.6 * (slope[f] - 0.02 * weights[f]);
    }
    for (size_t i = 0; i < subjects; ++i) {
      if (fold[i] != held) continue;
      for (size_t f = 0; f < weights.size(); ++f) scores[i] += weights[f] * features[i][f];
    }
  }
  return scores;
}

}  // namespace bulkhead
