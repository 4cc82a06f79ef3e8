#include "egress/message_batch.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/byte_codec.h"
#include "egress/canary_ids.h"
#include "egress/vendor_filter.h"

namespace bulkhead {
namespace {

// What makes a message the same one again: of an event with an insert id that, from the log as from
// the store; else its place in the log. One without, in a back-fill, is a message of its own.
std::string IdentityOf(const AllowedMessage& message, uint64_t insert_id, uint64_t log_position,
                       size_t index) {
  std::string text;
  ByteWriter writer(&text);
  writer.Byte(static_cast<uint8_t>(message.kind));
  if (insert_id != 0) {
    writer.Byte(1);
    writer.String(message.name);
    writer.Fixed(message.time_ms);
    writer.Fixed(insert_id & kKeptInsertIdBits);
    return text;  // not whose: a device's event may be its user's by the time of a back-fill
  }
  writer.Byte(2);
  writer.Fixed(log_position);
  writer.Fixed(static_cast<uint64_t>(index));
  writer.Fixed(message.time_ms);
  writer.Fixed(message.subject.bytes);
  return text;
}

// In a vendor's queue an event's device is the id that its person is placed by, if not its own.
const SubjectId& PlacedBy(const Event& event) {
  return event.device.IsNobody() ? event.person : event.device;
}

// An event's name and time are said too, under names that no property has.
SentFields FieldsOf(const OutboundMessage& message, TimePrecision precision) {
  SentFields fields;
  if (message.kind == OutboundMessage::Kind::kEvent) {
    fields.push_back({std::string(kSentEventName), FieldForm::kPlain});
  }
  fields.push_back({std::string(kSentTime),
                    precision == TimePrecision::kExact ? FieldForm::kPlain : FieldForm::kCoarse});
  for (const OutboundField& field : message.fields) {
    fields.push_back({field.name, field.form});
  }
  std::ranges::sort(fields);
  fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
  return fields;
}

}  // namespace

void MessageBatch::Add(QueuedBatch queued, const Parts& parts) {
  queued_.push_back(std::move(queued));
  precision_ = parts.policy->time;
  const Batch& batch = queued_.back().batch;
  for (size_t i = 0; i < batch.events.size(); ++i) {
    AddMessage(OutboundMessage::Kind::kEvent, i, parts);
  }
  for (size_t i = 0; i < batch.profile_updates.size(); ++i) {
    AddMessage(OutboundMessage::Kind::kProfile, i, parts);
  }
}

void MessageBatch::AddMessage(OutboundMessage::Kind kind, size_t index, const Parts& parts) {
  const QueuedBatch& queued = queued_.back();
  const bool profile = kind == OutboundMessage::Kind::kProfile;
  const SubjectId& subject =
      profile ? queued.batch.profile_updates[index].subject : queued.batch.events[index].person;
  // Core has placed updates; canaries, who lie in no share of the people, are placed by nobody's
  // id.
  std::optional<AllowedMessage> allowed =
      profile
          ? AllowUpdate(*parts.policy, queued.batch.profile_updates[index], SubjectId())
          : AllowEvent(*parts.policy, queued.batch.events[index],
                       CanaryNumber(subject) ? SubjectId() : PlacedBy(queued.batch.events[index]));
  if (!allowed) {
    return;
  }
  const uint64_t insert_id = profile ? 0 : queued.batch.events[index].insert_id;
  OutboundMessage& message = messages_.emplace_back();
  message.kind = kind;
  message.id = parts.state->MessageId(IdentityOf(*allowed, insert_id, queued.log_position, index));
  message.vendor_id = parts.ids->Of(allowed->subject);
  message.name = std::move(allowed->name);
  message.time_ms = allowed->time_ms;
  message.fields = std::move(allowed->fields);
  for (OutboundField& field : message.fields) {
    if (field.form == FieldForm::kToken) {
      field.value = Value(parts.ids->TokenOf(field.name, ToJson(field.value)));
    }
  }
  sources_.push_back({queued_.size() - 1, profile, index});
  subjects_.push_back(allowed->subject);
}

std::vector<SubjectId> MessageBatch::ProfileSubjects() const {
  std::vector<SubjectId> subjects;
  for (size_t i = 0; i < messages_.size(); ++i) {
    if (sources_[i].profile) {
      subjects.push_back(subjects_[i]);
    }
  }
  std::ranges::sort(subjects);
  subjects.erase(std::unique(subjects.begin(), subjects.end()), subjects.end());
  return subjects;
}

void MessageBatch::AddIdentities(const std::vector<SubjectIdentities>& identities) {
  std::map<SubjectId, const SubjectIdentities*> known;
  for (const SubjectIdentities& one : identities) {
    known[one.subject] = &one;
  }
  size_t kept = 0;
  for (size_t i = 0; i < messages_.size(); ++i) {
    const auto found = sources_[i].profile ? known.find(subjects_[i]) : known.end();
    if (found != known.end()) {
      std::vector<OutboundField>& fields = messages_[i].fields;
      fields.insert(fields.end(), found->second->fields.begin(), found->second->fields.end());
    }
    if (sources_[i].profile && messages_[i].fields.empty()) {
      continue;
    }
    if (kept != i) {
      messages_[kept] = std::move(messages_[i]);
      sources_[kept] = sources_[i];
      subjects_[kept] = subjects_[i];
    }
    ++kept;
  }
  messages_.resize(kept);
  sources_.resize(kept);
  subjects_.resize(kept);
}

LedgerBatch MessageBatch::ForLedger() const {
  LedgerBatch batch;
  std::map<SentFields, uint32_t> places;
  for (size_t i = 0; i < messages_.size(); ++i) {
    SentFields fields = FieldsOf(messages_[i], precision_);
    const auto [found, added] =
        places.try_emplace(fields, static_cast<uint32_t>(batch.field_sets.size()));
    if (added) {
      batch.field_sets.push_back(std::move(fields));
    }
    batch.sends.push_back({CanaryNumber(subjects_[i]) ? SubjectId() : subjects_[i], found->second});
  }
  return batch;
}

QueuedBatch MessageBatch::SourceOf(size_t message) const {
  const Source& source = sources_.at(message);
  const QueuedBatch& from = queued_.at(source.queued);
  QueuedBatch single;
  single.log_position = from.log_position;
  single.batch.project = from.batch.project;
  single.batch.arrival_ms = from.batch.arrival_ms;
  single.batch.policy_version = from.batch.policy_version;
  if (source.profile) {
    single.batch.profile_updates.push_back(from.batch.profile_updates.at(source.index));
  } else {
    single.batch.events.push_back(from.batch.events.at(source.index));
  }
  return single;
}

}  // namespace bulkhead
