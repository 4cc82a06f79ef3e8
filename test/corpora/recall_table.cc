#include "corpora/recall_table.h"

#include <algorithm>
#include <cstdio>

namespace bulkhead::corpora {
namespace {

const char* GroupName(Group group) {
  switch (group) {
    case Group::kPrefixed:
      return "prefixed";
    case Group::kKeyed:
      return "keyed";
    case Group::kPersonal:
      return "personal";
    case Group::kOutside:
      return "outside";
  }
  return "";
}

constexpr Group kCounted[] = {Group::kPrefixed, Group::kKeyed, Group::kPersonal};

std::string Number(size_t count) {
  std::string digits = std::to_string(count);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

// Rounded down: what is not complete never shows as 100 %.
std::string Percent(const Tally& tally) {
  if (tally.tried == 0) return "";
  const size_t hundredths = tally.found * 10000 / tally.tried;
  char text[48];
  std::snprintf(text, sizeof text, "%zu.%02zu %%", hundredths / 100, hundredths % 100);
  return text;
}

void Row(std::string* out, const std::vector<std::string>& cells) {
  for (const std::string& cell : cells) out->append("| ").append(cell).append(" ");
  out->append("|\n");
}

}  // namespace

void RecallTable::AddPositive(const Literal& literal, const std::string& shape, bool found) {
  const Key key{literal.corpus, literal.group};
  by_corpus_[key].Add(found);
  by_rule_[key][literal.rule].Add(found);
  literals_[key].insert(literal.rule + '\n' + literal.text + '\n' + literal.secret);
  by_shape_[{shape, literal.group}].Add(found);
  if (std::find(shapes_.begin(), shapes_.end(), shape) == shapes_.end()) shapes_.push_back(shape);
}

void RecallTable::AddNegative(const Literal& literal, bool touched) {
  negatives_[literal.corpus].Add(touched);
}

Tally RecallTable::Of(const std::string& corpus, Group group) const {
  Tally sum;
  for (const auto& [key, tally] : by_corpus_) {
    if (key.second != group || (!corpus.empty() && key.first != corpus)) continue;
    sum.tried += tally.tried;
    sum.found += tally.found;
  }
  return sum;
}

Tally RecallTable::OverAll() const {
  Tally sum;
  for (const Group group : kCounted) {
    const Tally tally = Of("", group);
    sum.tried += tally.tried;
    sum.found += tally.found;
  }
  return sum;
}

void RecallTable::AppendGroups(std::string* out) const {
  Row(out, {"corpus", "kind", "rules", "literals", "tries", "found", "mean over rules"});
  Row(out, {"---", "---", "---", "---", "---", "---", "---"});
  for (const auto& [key, tally] : by_corpus_) {
    if (key.second == Group::kOutside) continue;
    const auto& rules = by_rule_.at(key);
    double mean = 0;
    for (const auto& [rule, of_rule] : rules) mean += of_rule.percent();
    char text[48];
    std::snprintf(text, sizeof text, "%.1f %%", mean / static_cast<double>(rules.size()));
    Row(out, {key.first, GroupName(key.second), Number(rules.size()),
              Number(literals_.at(key).size()), Number(tally.tried), Percent(tally), text});
  }
  for (const Group group : kCounted) {
    const Tally tally = Of("", group);
    Row(out, {"**all**", GroupName(group), "", "", Number(tally.tried),
              "**" + Percent(tally) + "**", ""});
  }
  const Tally all = OverAll();
  double mean = 0;
  size_t count = 0;
  for (const auto& [key, rules] : by_rule_) {
    if (key.second == Group::kOutside) continue;
    for (const auto& [rule, tally] : rules) mean += tally.percent();
    count += rules.size();
  }
  char text[48];
  std::snprintf(text, sizeof text, "%.1f %%",
                mean / static_cast<double>(std::max<size_t>(count, 1)));
  Row(out, {"**all**", "**over all**", Number(count), "", Number(all.tried),
            "**" + Percent(all) + "**", text});
}

void RecallTable::AppendShapes(std::string* out) const {
  Row(out, {"shape", "prefixed", "keyed", "personal"});
  Row(out, {"---", "---", "---", "---"});
  for (const std::string& shape : shapes_) {
    std::vector<std::string> cells = {shape};
    for (const Group group : kCounted) {
      const auto found = by_shape_.find({shape, group});
      cells.push_back(found == by_shape_.end() ? "" : Percent(found->second));
    }
    Row(out, cells);
  }
}

void RecallTable::AppendMisses(std::string* out) const {
  Row(out, {"corpus", "kind", "rule", "missed", "of"});
  Row(out, {"---", "---", "---", "---", "---"});
  for (const auto& [key, rules] : by_rule_) {
    if (key.second == Group::kOutside) continue;
    for (const auto& [rule, tally] : rules) {
      if (tally.found < tally.tried)
        Row(out, {key.first, GroupName(key.second), rule, Number(tally.tried - tally.found),
                  Number(tally.tried)});
    }
  }
}

void RecallTable::AppendNegatives(std::string* out) const {
  Row(out, {"corpus", "what it calls no secret", "touched"});
  Row(out, {"---", "---", "---"});
  for (const auto& [corpus, tally] : negatives_)
    Row(out, {corpus, Number(tally.tried), Number(tally.found)});
}

void RecallTable::AppendOutside(std::string* out) const {
  for (const auto& [key, rules] : by_rule_) {
    if (key.second != Group::kOutside) continue;
    const Tally all = Of(key.first, Group::kOutside);
    out->append("Outside, ")
        .append(key.first)
        .append(": ")
        .append(Number(literals_.at(key).size()));
    out->append(" literals of ")
        .append(Number(rules.size()))
        .append(" rules, of which ")
        .append(Percent(all));
    out->append(" are found all the same: ");
    std::string separator;
    for (const auto& [rule, tally] : rules) {
      out->append(separator).append(rule);
      separator = ", ";
    }
    out->append(".\n");
  }
}

std::string RecallTable::Markdown() const {
  std::string out;
  AppendGroups(&out);
  const Tally all = OverAll();
  if (all.found < all.tried) {
    out += "\nBy shape:\n\n";
    AppendShapes(&out);
    out += "\nMisses, by the rule of the corpus:\n\n";
    AppendMisses(&out);
  }
  if (!negatives_.empty()) {
    out += "\nNegatives, in a plain property:\n\n";
    AppendNegatives(&out);
    out += "\n";
    AppendOutside(&out);
  }
  return out;
}

}  // namespace bulkhead::corpora
