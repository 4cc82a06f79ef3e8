#include "main/incident_gather.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "incident/calendar.h"
#include "incident/exposed_classes.h"

namespace bulkhead {
namespace {

constexpr int32_t kLastOfDays = 2'932'896;  // 9999-12-31
constexpr std::string_view kEntryPrefix = "entry ";

// A compartment in somebody else's hands must not keep egress busy for ever.
Error NoProgress() { return {ErrorCode::kCorruption, "pages that do not go on"}; }

SentField Field(std::string_view name, FieldForm form) { return {std::string(name), form}; }

// What an entry's action showed of each of its subjects.
SentFields FieldsOf(const ShownEntry& entry) {
  SentFields fields;
  if (entry.action == "reveal" || entry.action == "export.page") {
    for (const std::string& name : entry.fields) fields.push_back({name, FieldForm::kIdentity});
    if (fields.empty()) fields.push_back(Field(kAnyIdentity, FieldForm::kIdentity));
  } else if (entry.action == "find") {
    fields.push_back(Field("$email", FieldForm::kIdentity));
  } else if (entry.action == "stream/query" || entry.action == "export") {
    fields.push_back(Field(kAnyEventField, FieldForm::kPlain));
  } else if (entry.action == "engage" || entry.action == "query people") {
    fields.push_back(Field(kAnyProfileField, FieldForm::kPlain));
  } else if (entry.action == "access request") {
    fields.push_back(Field(kAnyEventField, FieldForm::kPlain));
    fields.push_back(Field(kAnyProfileField, FieldForm::kPlain));
  }
  std::ranges::sort(fields);
  fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
  return fields;
}

// Fills a table, one kind of place after the other.
class Gatherer {
 public:
  Gatherer(const GatherParts& parts, const std::string& asker, IncidentVersion* version)
      : parts_(parts), asker_(asker), version_(version), origin_(&version->origin) {
    origin_->reads.clear();
    origin_->reads_left_out = 0;
    origin_->remarks.clear();
  }

  Result<std::unique_ptr<ExposureSource>> Gather() {
    const Result<void> gathered =
        origin_->kind == IncidentKind::kOurselves ? AddOurselves() : AddShown();
    if (!gathered) {
      return gathered.error();
    }
    if (forgotten_ > 0) {
      Remark(fmt::format("{} times somebody was shown who has been erased since", forgotten_));
    }
    table_->Close();
    return std::unique_ptr<ExposureSource>(std::move(table_));
  }

 private:
  void Remark(std::string text) { origin_->remarks.push_back(std::move(text)); }

  // --- What was shown ---

  Result<ShownQuery> QueryOf() const {
    ShownQuery query;
    const std::string& party = origin_->party;
    if (origin_->kind != IncidentKind::kExport) {
      query.actor = party;
      query.from_ms = version_->window.first_day * kDayMs;
      query.to_ms = (version_->window.last_day + int64_t{1}) * kDayMs;
    } else if (party.starts_with(kEntryPrefix)) {
      uint64_t entry = 0;
      const char* const end = party.data() + party.size();
      const auto [stop, fault] = std::from_chars(party.data() + kEntryPrefix.size(), end, entry);
      if (fault != std::errc() || stop != end) {
        return Error{ErrorCode::kInvalid, "not the number of an entry"};
      }
      query.entry = entry;
    } else {
      query.approval = party;
    }
    return query;
  }

  Result<void> AddShown() {
    const Result<ShownQuery> query = QueryOf();
    if (!query) {
      return query.error();
    }
    ShownRequest request{asker_, *query, {}};
    for (bool known = false, more = true; more;) {
      const Result<ShownPage> page = parts_.shown(request);
      if (!page) {
        return page.error();
      }
      known = known || page->known;
      if (!known) {
        return Error{ErrorCode::kNotFound, "the audit log has nothing of " + PartyText(*version_)};
      }
      for (const ShownEntry& entry : page->entries) {
        if (Result<void> added = AddEntry(entry); !added) {
          return added;
        }
      }
      more = page->next.has_value();
      if (more && *page->next <= request.from) return NoProgress();
      if (more) request.from = *page->next;
    }
    return SetWindowOfExport();
  }

  // An export is what it is, whenever it was.
  Result<void> SetWindowOfExport() {
    if (origin_->kind != IncidentKind::kExport) return {};
    if (origin_->reads.empty()) {
      return Error{ErrorCode::kNotFound, "that entry or export showed nobody"};
    }
    version_->window.first_day = static_cast<int32_t>(origin_->reads.front().at_ms / kDayMs);
    version_->window.last_day = static_cast<int32_t>(origin_->reads.back().at_ms / kDayMs);
    return {};
  }

  Result<void> AddEntry(const ShownEntry& entry) {
    forgotten_ += entry.forgotten;
    uint64_t subjects = entry.subjects.size();
    const auto day = static_cast<int32_t>(entry.ts_ms / kDayMs);
    if (entry.set == ShownSet::kThrownAway) {
      Remark(
          fmt::format("entry {} ({}): its set of subjects was thrown away; they are not among "
                      "these",
                      entry.index, entry.action));
    } else if (entry.set == ShownSet::kNamed) {
      const SentFields fields = FieldsOf(entry);
      if (Result<void> added = table_->Add(entry.subjects, table_->SetOf(fields)); !added) {
        return added;
      }
      for (const SentField& field : fields) table_->AddReads(field, subjects, day, day);
    } else {
      const Result<uint64_t> found = AddScope(entry, day);
      if (!found) {
        return found.error();
      }
      subjects = *found;
    }
    table_->AddReads(subjects);
    NoteRead(entry, subjects);
    return {};
  }

  // An entry's parts are one read.
  void NoteRead(const ShownEntry& entry, uint64_t subjects) {
    std::vector<IncidentRead>& reads = origin_->reads;
    if (!reads.empty() && reads.back().entry == entry.index) {
      reads.back().subjects += subjects;
    } else if (reads.size() < kMaxIncidentReads) {
      reads.push_back({entry.index, entry.ts_ms, entry.action, subjects});
    } else {
      origin_->reads_left_out += last_left_out_ == entry.index ? 0 : 1;
      last_left_out_ = entry.index;
    }
  }

  // An entry that names nobody: of an export everybody with an event on its days, else everybody.
  Result<uint64_t> AddScope(const ShownEntry& entry, int32_t day) {
    HoldingsRequest request{asker_, ProjectId{entry.project}, 0, kLastOfDays, {}};
    const bool is_export = entry.action == "export";
    const bool whole = entry.scope.ends_with(", all events");
    const size_t to = entry.scope.find(" to ");
    if (is_export) {
      const std::optional<int32_t> first = ReadDay(std::string_view(entry.scope).substr(0, to));
      const std::optional<int32_t> last =
          to == std::string::npos ? std::nullopt
                                  : ReadDay(std::string_view(entry.scope).substr(to + 4, 10));
      if (first && last) {
        request.first_day = *first;
        request.last_day = *last;
      }
    }
    if (!is_export || !whole) {
      Remark(
          fmt::format("entry {} ({}) chose some of those that its scope allows ({}): all of "
                      "them are counted",
                      entry.index, entry.action, entry.scope));
    }
    const SentFields profile = FieldsOf(entry);
    uint64_t subjects = 0;
    const Result<void> added = ForEachPage(request, [&](const HoldingsPage& page) {
      subjects += page.subjects.size();
      return AddShownPage(page, is_export ? nullptr : &profile, day);
    });
    return added ? Result<uint64_t>(subjects) : added.error();
  }

  // `instead`: these fields of everybody, whatever core has of them.
  Result<void> AddShownPage(const HoldingsPage& page, const SentFields* instead, int32_t day) {
    std::vector<uint64_t> subjects_of(page.sets.size());
    for (const HoldingsPage::Entry& one : page.subjects) ++subjects_of[one.set];
    for (size_t set = 0; set < page.sets.size(); ++set) {
      for (const SentField& field : instead == nullptr ? FieldsOfSet(page, set) : *instead) {
        table_->AddReads(field, subjects_of[set], day, day);
      }
    }
    return AddSubjects(page, instead);
  }

  // --- What lies at ourselves ---

  Result<void> AddOurselves() {
    const std::string& part = origin_->party;
    const bool everything = part == "everything";
    if (part != "vault") {
      if (Result<void> added = AddCore(part == "intake" || everything); !added) {
        return added;
      }
    }
    if (part == "intake" || everything) {
      Remark("intake keeps no requests: whoever had it read those of the window as they came");
    }
    return part == "vault" || everything ? AddVault() : Result<void>();
  }

  Result<void> AddCore(bool raw) {
    const HoldingsRequest request{asker_,
                                  ProjectId{version_->project},
                                  version_->window.first_day,
                                  version_->window.last_day,
                                  {}};
    const SentFields raw_fields = {Field(kRawRequest, FieldForm::kPlain)};
    uint64_t records = 0;
    const Result<void> added = ForEachPage(request, [&](const HoldingsPage& page) -> Result<void> {
      records += page.records;
      for (const HoldingsPage::Total& total : page.totals) {
        table_->AddReads(page.fields[total.field], total.records, total.first_day, total.last_day);
      }
      table_->AddReads(page.records);
      if (Result<void> held = AddSubjects(page, nullptr); !held || !raw) {
        return held;
      }
      return AddSubjects(page, &raw_fields);
    });
    if (added && raw) {
      table_->AddReads(raw_fields.front(), records, request.first_day, request.last_day);
    }
    return added;
  }

  Result<void> AddVault() {
    Remark("of the vault all identities of the project count, whenever they came");
    HoldingsCall call;
    call.asker.project = ProjectId{version_->project};
    call.asker.actor = asker_;
    for (bool more = true; more;) {
      const Result<HoldingsAnswer> page = parts_.vault(call);
      if (!page) {
        return page.error();
      }
      for (const SubjectFields& one : page->subjects) {
        if (Result<void> added = AddIdentities(one); !added) {
          return added;
        }
      }
      more = page->more && !page->subjects.empty();
      if (more && page->subjects.back().subject <= call.after) return NoProgress();
      if (more) call.after = page->subjects.back().subject;
    }
    return {};
  }

  Result<void> AddIdentities(const SubjectFields& one) {
    SentFields fields;
    for (const std::string& name : one.fields) fields.push_back({name, FieldForm::kIdentity});
    std::ranges::sort(fields);
    for (const SentField& field : fields) {
      table_->AddReads(field, 1, version_->window.last_day, version_->window.last_day);
    }
    table_->AddReads(fields.size());
    return table_->Add({&one.subject, 1}, table_->SetOf(std::move(fields)));
  }

  // --- Pages of core ---

  Result<void> ForEachPage(HoldingsRequest request,
                           const std::function<Result<void>(const HoldingsPage&)>& each) {
    for (bool more = true; more;) {
      const Result<HoldingsPage> page = parts_.core(request);
      if (!page) {
        return page.error();
      }
      if (Result<void> taken = each(*page); !taken) {
        return taken;
      }
      more = page->more && !page->subjects.empty();
      if (more && page->subjects.back().subject <= request.after) return NoProgress();
      if (more) request.after = page->subjects.back().subject;
    }
    return {};
  }

  static SentFields FieldsOfSet(const HoldingsPage& page, size_t set) {
    SentFields fields;
    for (const uint32_t place : page.sets[set]) fields.push_back(page.fields[place]);
    std::ranges::sort(fields);
    fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
    return fields;
  }

  Result<void> AddSubjects(const HoldingsPage& page, const SentFields* instead) {
    std::vector<std::vector<SubjectId>> subjects(page.sets.size());
    for (const HoldingsPage::Entry& one : page.subjects) subjects[one.set].push_back(one.subject);
    for (size_t set = 0; set < page.sets.size(); ++set) {
      const uint32_t number = table_->SetOf(instead == nullptr ? FieldsOfSet(page, set) : *instead);
      if (Result<void> added = table_->Add(subjects[set], number); !added) {
        return added;
      }
    }
    return {};
  }

  const GatherParts& parts_;
  const std::string& asker_;
  IncidentVersion* version_;
  IncidentOrigin* origin_;
  std::unique_ptr<SubjectTable> table_ = std::make_unique<SubjectTable>();
  uint64_t forgotten_ = 0;
  std::optional<uint64_t> last_left_out_;
};

}  // namespace

bool IsPartOfOurselves(std::string_view part) {
  constexpr std::array<std::string_view, 4> kParts = {"core", "vault", "intake", "everything"};
  return std::ranges::find(kParts, part) != kParts.end();
}

Result<std::unique_ptr<ExposureSource>> GatherExposure(const GatherParts& parts,
                                                       const std::string& asker,
                                                       IncidentVersion* version) {
  if (!version->window.vendor.empty()) {
    return std::unique_ptr<ExposureSource>(
        std::make_unique<LedgerSource>(parts.ledger, version->window));
  }
  return Gatherer(parts, asker, version).Gather();
}

}  // namespace bulkhead
