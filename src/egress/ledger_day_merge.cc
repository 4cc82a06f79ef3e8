#include "egress/ledger_day_merge.h"

#include <algorithm>
#include <utility>

namespace bulkhead {
namespace {

// The sets of fields of the new file: numbered there so that those that come often are shortest.
struct SetNumbers {
  std::vector<SentFields> sets;        // by number
  std::vector<uint32_t> of_table;      // the number, by the table's
  std::vector<uint32_t> old_to_table;  // the table's, by the old file's
};

SetNumbers NumberSets(const DayMerge& merge) {
  SetNumbers numbers;
  std::vector<uint64_t> sends(merge.table->size());
  if (merge.old != nullptr) {
    for (const DaySet& set : merge.old->sets()) {
      const uint32_t at = merge.table->Intern(set.fields);
      numbers.old_to_table.push_back(at);
      sends.resize(merge.table->size());
      sends[at] += set.sends;
    }
  }
  for (const UnfoldedEntry& entry : merge.added.entries) sends[entry.set] += entry.count;
  for (const auto& [set, count] : merge.added.nobody) sends[set] += count;
  std::vector<uint32_t> order;
  for (uint32_t set = 0; set < sends.size(); ++set) {
    if (sends[set] > 0) order.push_back(set);
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return sends[a] != sends[b] ? sends[a] > sends[b] : merge.table->at(a) < merge.table->at(b);
  });
  numbers.of_table.resize(sends.size());
  for (const uint32_t set : order) {
    numbers.of_table[set] = static_cast<uint32_t>(numbers.sets.size());
    numbers.sets.push_back(merge.table->at(set));
  }
  return numbers;
}

// Sorted, each set once.
void Join(std::vector<DayPart>* parts) {
  std::sort(parts->begin(), parts->end(),
            [](const DayPart& a, const DayPart& b) { return a.set < b.set; });
  size_t kept = 0;
  for (const DayPart& part : *parts) {
    if (kept > 0 && (*parts)[kept - 1].set == part.set) {
      (*parts)[kept - 1].count += part.count;
    } else {
      (*parts)[kept++] = part;
    }
  }
  parts->resize(kept);
}

void AddSubject(uint32_t ordinal, std::span<const uint32_t> gone, std::vector<DayPart>* parts,
                DayBuilder* builder) {
  if (std::binary_search(gone.begin(), gone.end(), ordinal)) {
    for (const DayPart& part : *parts) builder->AddNobody(part.set, part.count);
  } else {
    Join(parts);
    builder->Add(ordinal, *parts);
  }
  parts->clear();
}

Result<void> MergeEntries(const DayMerge& merge, const SetNumbers& numbers, DayBuilder* builder) {
  std::optional<DayCursor> cursor;
  if (merge.old != nullptr) cursor.emplace(merge.old, merge.ordinals);
  auto added = merge.added.entries.begin();
  const auto end = merge.added.entries.end();
  std::vector<DayPart> parts;
  for (;;) {
    const bool has_old = cursor && !cursor->AtEnd();
    if (!has_old && added == end) break;
    const uint32_t ordinal = !has_old       ? added->ordinal
                             : added == end ? cursor->ordinal()
                                            : std::min(cursor->ordinal(), added->ordinal);
    if (has_old && cursor->ordinal() == ordinal) {
      for (const DayPart& part : cursor->parts()) {
        parts.push_back({numbers.of_table[numbers.old_to_table[part.set]], part.count});
      }
      cursor->Next();
    }
    for (; added != end && added->ordinal == ordinal; ++added) {
      parts.push_back({numbers.of_table[added->set], added->count});
    }
    AddSubject(ordinal, merge.gone, &parts, builder);
  }
  return cursor ? cursor->status() : Result<void>();
}

}  // namespace

Result<MergedDay> MergeDay(const DayMerge& merge) {
  const SetNumbers numbers = NumberSets(merge);
  DayBuilder builder(merge.day, numbers.sets);
  if (Result<void> merged = MergeEntries(merge, numbers, &builder); !merged) {
    return merged.error();
  }
  for (size_t i = 0; i < numbers.old_to_table.size(); ++i) {
    builder.AddNobody(numbers.of_table[numbers.old_to_table[i]], merge.old->sets()[i].nobody);
  }
  for (const auto& [set, count] : merge.added.nobody) {
    builder.AddNobody(numbers.of_table[set], count);
  }
  MergedDay merged;
  merged.bytes = builder.Finish();
  merged.key = SecretBytes(builder.key().view());
  merged.sends = builder.sends();
  merged.subjects = builder.subjects();
  return merged;
}

}  // namespace bulkhead
