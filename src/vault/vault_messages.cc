// call:   version 1 | kind | body          kind: the place in VaultCall, from 1
// answer: version 1 | kind | body          kind: the place in VaultAnswer, from 1; 0: code, message
//
// Both directions are written down once, as a walk over the parts of a message by a "visitor" that
// either writes or reads them, so that they cannot come apart.
#include "vault/vault_messages.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kMaxErrorBytes = 1024;
constexpr size_t kMaxAnswerValues = 1'000'000;

class Writer {
 public:
  explicit Writer(std::string* out) : writer_(out) {}
  void Number(const uint64_t& value) { writer_.Varint(value); }
  void Project(const ProjectId& project) { writer_.Varint(project.value); }
  void Signed(const int64_t& value) { writer_.SignedVarint(value); }
  void Flag(const bool& value) { writer_.Byte(value ? 1 : 0); }
  void Subject(const SubjectId& subject) { writer_.Fixed(subject.bytes); }
  void Fixed32(const std::array<uint8_t, 32>& bytes) { writer_.Fixed(bytes); }
  void Text(const std::string& text, size_t) { writer_.String(text); }
  void Secret(const SecretBytes& bytes) { writer_.String(bytes.view()); }
  template <typename T, typename Each>
  void List(const std::vector<T>& list, size_t, Each each) {
    writer_.Varint(list.size());
    for (const T& item : list) {
      each(item);
    }
  }
  template <typename E>
  void Enum(const E& value, E, E) {
    writer_.Byte(static_cast<uint8_t>(value));
  }

 private:
  ByteWriter writer_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : reader_(bytes) {}
  [[nodiscard]] bool Sound() const { return sound_ && reader_.ok() && reader_.AtEnd(); }
  uint8_t Byte() { return reader_.Byte(); }

  void Number(uint64_t& value) { value = reader_.Varint(); }
  void Project(ProjectId& project) {
    const uint64_t number = reader_.Varint();
    sound_ = sound_ && number <= UINT32_MAX;
    project.value = static_cast<uint32_t>(number);
  }
  void Signed(int64_t& value) { value = reader_.SignedVarint(); }
  void Flag(bool& value) {
    const uint8_t byte = reader_.Byte();
    sound_ = sound_ && byte <= 1;
    value = byte == 1;
  }
  void Subject(SubjectId& subject) { subject.bytes = reader_.Fixed<std::array<uint8_t, 16>>(); }
  void Fixed32(std::array<uint8_t, 32>& bytes) { bytes = reader_.Fixed<std::array<uint8_t, 32>>(); }
  void Text(std::string& text, size_t most) {
    const std::string_view view = reader_.String();
    sound_ = sound_ && view.size() <= most;
    text = sound_ ? view : std::string_view();
  }
  void Secret(SecretBytes& bytes) { bytes = SecretBytes(reader_.String()); }
  template <typename T, typename Each>
  void List(std::vector<T>& list, size_t most, Each each) {
    const size_t count = reader_.Count();
    sound_ = sound_ && count <= most;
    for (size_t i = 0; i < count && sound_ && reader_.ok(); ++i) {
      each(list.emplace_back());
    }
  }
  template <typename E>
  void Enum(E& value, E least, E most) {
    const uint8_t byte = reader_.Byte();
    sound_ = sound_ && byte >= static_cast<uint8_t>(least) && byte <= static_cast<uint8_t>(most);
    value = sound_ ? static_cast<E>(byte) : least;
  }

 private:
  ByteReader reader_;
  bool sound_ = true;
};

// --- Parts ---

template <typename V, typename T>
void WalkAsker(V& v, T& asker) {
  v.Project(asker.project);
  v.Text(asker.actor, kMaxCallTextBytes);
  v.Text(asker.purpose, kMaxCallTextBytes);
  v.Text(asker.reference, kMaxCallTextBytes);
}
template <typename V, typename T>
void WalkSubjects(V& v, T& subjects) {
  v.List(subjects, kMaxCallSubjects, [&v](auto& subject) { v.Subject(subject); });
}
template <typename V, typename T>
void WalkFields(V& v, T& fields) {
  v.List(fields, kMaxCallFields, [&v](auto& field) { v.Text(field, kMaxCallTextBytes); });
}
template <typename V, typename T>
void WalkProgress(V& v, T& progress) {
  v.Number(progress.done);
  v.Number(progress.remaining);
  v.Number(progress.lost);
}
template <typename V, typename T>
void WalkExport(V& v, T& info) {
  v.Text(info.export_id, kMaxCallTextBytes);
  WalkAsker(v, info.asker);
  WalkFields(v, info.fields);
  v.Number(info.subjects);
  v.Signed(info.asked_ms);
  v.Signed(info.due_ms);
  v.Enum(info.state, ExportState::kWaiting, ExportState::kExpired);
  v.Text(info.vetoed_by, kMaxCallTextBytes);
}
template <typename V, typename T>
void WalkRevealedField(V& v, T& field) {
  v.Text(field.field, SIZE_MAX);
  v.Secret(field.value);
  v.Signed(field.first_seen_ms);
  v.Signed(field.last_seen_ms);
  v.Flag(field.from_profile);
  v.Flag(field.current);
}

// --- Whole messages; T is the message, const where it is written ---

template <typename Message, typename T>
concept Is = std::is_same_v<std::remove_const_t<Message>, T>;

template <typename V, Is<RevealCall> T>
void WalkMessage(V& v, T& call) {
  WalkAsker(v, call.asker);
  WalkSubjects(v, call.subjects);
  WalkFields(v, call.fields);
  v.Flag(call.history);
  v.Flag(call.names_only);
}
template <typename V, Is<FindCall> T>
void WalkMessage(V& v, T& call) {
  WalkAsker(v, call.asker);
  v.Text(call.email, kMaxCallTextBytes);
}
template <typename V, Is<PseudonymCall> T>
void WalkMessage(V& v, T& call) {
  WalkAsker(v, call.asker);
  v.List(call.raw_ids, kMaxCallSubjects, [&v](auto& id) { v.Text(id, kMaxCallTextBytes); });
}
template <typename V, Is<EraseCall> T>
void WalkMessage(V& v, T& call) {
  WalkAsker(v, call.asker);
  WalkSubjects(v, call.subjects);
}
template <typename V, Is<StatusCall> T>
void WalkMessage(V&, T&) {}
template <typename V, Is<ExportAskCall> T>
void WalkMessage(V& v, T& call) {
  WalkAsker(v, call.asker);
  WalkSubjects(v, call.subjects);
  WalkFields(v, call.fields);
  v.Flag(call.history);
  v.Fixed32(call.recipient);
}
template <typename V, Is<ExportListCall> T>
void WalkMessage(V& v, T& call) {
  v.Project(call.project);
}
template <typename V, Is<ExportVetoCall> T>
void WalkMessage(V& v, T& call) {
  WalkAsker(v, call.asker);
  v.Text(call.export_id, kMaxCallTextBytes);
}
template <typename V, Is<ExportPageCall> T>
void WalkMessage(V& v, T& call) {
  WalkAsker(v, call.asker);
  v.Text(call.export_id, kMaxCallTextBytes);
  v.Subject(call.after);
}
template <typename V, Is<RotateCall> T>
void WalkMessage(V& v, T& call) {
  v.Number(call.most);
}

template <typename V, Is<HoldingsCall> T>
void WalkMessage(V& v, T& call) {
  WalkAsker(v, call.asker);
  v.Subject(call.after);
}

template <typename V, Is<RevealAnswer> T>
void WalkMessage(V& v, T& answer) {
  v.List(answer.subjects, kMaxCallSubjects, [&v](auto& subject) {
    v.Subject(subject.subject);
    v.List(subject.fields, kMaxAnswerValues, [&v](auto& field) { WalkRevealedField(v, field); });
  });
  v.Number(answer.subjects_left);
}
template <typename V, Is<FindAnswer> T>
void WalkMessage(V& v, T& answer) {
  v.List(answer.subjects, kMaxAnswerValues, [&v](auto& subject) { v.Subject(subject); });
}
template <typename V, Is<PseudonymAnswer> T>
void WalkMessage(V& v, T& answer) {
  WalkSubjects(v, answer.subjects);
}
template <typename V, Is<EraseAnswer> T>
void WalkMessage(V& v, T& answer) {
  v.List(answer.subjects, kMaxCallSubjects, [&v](auto& erased) {
    v.Subject(erased.subject);
    v.Number(erased.values);
    v.Flag(erased.had_key);
    v.Signed(erased.generation);
    v.Number(erased.erased_before);
  });
  v.Number(answer.entry);
}
template <typename V, Is<StatusAnswer> T>
void WalkMessage(V& v, T& answer) {
  v.Number(answer.counts.subjects);
  v.Number(answer.counts.values);
  v.Number(answer.counts.erased);
  v.Number(answer.counts.skipped);
  // 0: nothing taken yet; else the position and one.
  uint64_t position = answer.applied_position ? *answer.applied_position + 1 : 0;
  v.Number(position);
  if constexpr (!std::is_const_v<T>) {
    answer.applied_position = position == 0 ? std::nullopt : std::optional<uint64_t>(position - 1);
  }
  v.Number(answer.pending_exports);
  v.Number(answer.refused_guesses);
}
template <typename V, Is<ExportAnswer> T>
void WalkMessage(V& v, T& answer) {
  WalkExport(v, answer.info);
}
template <typename V, Is<ExportListAnswer> T>
void WalkMessage(V& v, T& answer) {
  v.List(answer.exports, kMaxAnswerValues, [&v](auto& info) { WalkExport(v, info); });
}
template <typename V, Is<ExportPageAnswer> T>
void WalkMessage(V& v, T& answer) {
  v.Text(answer.sealed, SIZE_MAX);
  v.Subject(answer.last);
  v.Number(answer.subjects);
}
template <typename V, Is<RotateAnswer> T>
void WalkMessage(V& v, T& answer) {
  WalkProgress(v, answer.subject_keys);
  WalkProgress(v, answer.addresses);
}

template <typename V, Is<HoldingsAnswer> T>
void WalkMessage(V& v, T& answer) {
  v.List(answer.subjects, kMaxAnswerValues, [&v](auto& subject) {
    v.Subject(subject.subject);
    v.List(subject.fields, kMaxAnswerValues, [&v](auto& field) { v.Text(field, SIZE_MAX); });
  });
  v.Flag(answer.more);
}

// --- Which message ---

template <typename Variant>
void WriteVariant(const Variant& message, std::string* out) {
  ByteWriter(out).Byte(kVersion);
  ByteWriter(out).Byte(static_cast<uint8_t>(message.index() + 1));
  Writer writer(out);
  std::visit([&writer](const auto& held) { WalkMessage(writer, held); }, message);
}

// True: `kind` was one of the variant's.
template <typename Variant, size_t at = 0>
bool ReadVariant(size_t kind, Reader* reader, Variant* message) {
  if constexpr (at < std::variant_size_v<Variant>) {
    if (kind != at + 1) {
      return ReadVariant<Variant, at + 1>(kind, reader, message);
    }
    WalkMessage(*reader, message->template emplace<at>());
    return true;
  } else {
    return false;
  }
}

// What an answer's secret values take, so that no copy of them stays behind in a string that grew.
size_t SecretRoom(const VaultAnswer& answer) {
  size_t room = 256;
  if (const auto* revealed = std::get_if<RevealAnswer>(&answer)) {
    for (const RevealedSubject& subject : revealed->subjects) {
      room += 32;
      for (const RevealedField& field : subject.fields) {
        room += field.field.size() + field.value.size() + 64;
      }
    }
  }
  return room;
}

}  // namespace

std::string EncodeVaultCall(const VaultCall& call) {
  std::string bytes;
  WriteVariant(call, &bytes);
  return bytes;
}

Result<VaultCall> DecodeVaultCall(std::string_view bytes) {
  const Error damaged{ErrorCode::kInvalid, "vault: not a call that this program knows"};
  if (bytes.size() > kMaxCallBytes) {
    return damaged;
  }
  Reader reader(bytes);
  VaultCall call;
  const bool known =
      reader.Byte() == kVersion && ReadVariant(reader.Byte(), &reader, &call) && reader.Sound();
  if (!known) {
    WipeCall(&call);
    return damaged;
  }
  return call;
}

void WipeCall(VaultCall* call) {
  if (auto* find = std::get_if<FindCall>(call)) {
    Wipe(&find->email);
  } else if (auto* pseudonyms = std::get_if<PseudonymCall>(call)) {
    for (std::string& id : pseudonyms->raw_ids) {
      Wipe(&id);
    }
  }
}

SecretBytes EncodeVaultAnswer(const Result<VaultAnswer>& answer) {
  std::string bytes;
  if (answer) {
    bytes.reserve(SecretRoom(*answer));
    WriteVariant(*answer, &bytes);
  } else {
    ByteWriter writer(&bytes);
    writer.Byte(kVersion);
    writer.Byte(0);
    writer.Byte(static_cast<uint8_t>(answer.error().code));
    writer.String(std::string_view(answer.error().message).substr(0, kMaxErrorBytes));
  }
  SecretBytes secret(bytes);
  Wipe(&bytes);
  return secret;
}

Result<VaultAnswer> DecodeVaultAnswer(std::string_view bytes) {
  const Error damaged{ErrorCode::kInvalid, "vault: not an answer that this program knows"};
  Reader reader(bytes);
  if (reader.Byte() != kVersion) {
    return damaged;
  }
  const uint8_t kind = reader.Byte();
  if (kind == 0) {
    Error refused;
    reader.Enum(refused.code, ErrorCode::kInvalid, ErrorCode::kBug);
    reader.Text(refused.message, kMaxErrorBytes);
    return reader.Sound() ? refused : damaged;
  }
  VaultAnswer answer;
  if (!ReadVariant(kind, &reader, &answer) || !reader.Sound()) {
    return damaged;
  }
  return answer;
}

}  // namespace bulkhead
