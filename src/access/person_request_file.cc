#include "access/person_request_file.h"

#include "base/byte_codec.h"
#include "base/hex.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr uint8_t kVersion = 1;
constexpr std::string_view kMagic = "BHPR";
constexpr size_t kMaxTextBytes = 64UL * 1024;

// What a file is bound to: it opens under no other name, and not as another version.
std::string Context(std::string_view id, std::string_view header) {
  return "bulkhead person request v1" + std::string(id) + std::string(header);
}

bool IsId(std::string_view id) {
  const std::optional<std::string> bytes = HexDecode(id);
  return bytes && bytes->size() == 16;
}

// False: no value of the enumeration.
template <typename E>
bool TakeEnum(ByteReader* reader, E least, E most, E* value) {
  const uint8_t byte = reader->Byte();
  *value = static_cast<E>(byte);
  return byte >= static_cast<uint8_t>(least) && byte <= static_cast<uint8_t>(most);
}

}  // namespace

std::string EncodePersonRequest(const PersonRequest& request) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.String(request.id);
  writer.Byte(static_cast<uint8_t>(request.asked.kind));
  writer.Byte(static_cast<uint8_t>(request.asked.compliance));
  writer.Byte(static_cast<uint8_t>(request.asked.disclosure));
  writer.Byte(static_cast<uint8_t>(request.status));
  writer.Varint(request.asked.project.value);
  writer.String(request.asked.requester);
  writer.SignedVarint(request.asked_ms);
  writer.SignedVarint(request.finished_ms);
  writer.String(request.receipt);
  writer.String(request.failure);
  writer.Varint(request.asked.subjects.size());
  for (const SubjectId& subject : request.asked.subjects) {
    writer.Fixed(subject.bytes);
  }
  return bytes;
}

Result<PersonRequest> DecodePersonRequest(std::string_view bytes) {
  ByteReader reader(bytes);
  PersonRequest request;
  request.id = reader.String();
  bool sound = TakeEnum(&reader, PersonRequestKind::kDeletion, PersonRequestKind::kRetrieval,
                        &request.asked.kind);
  sound =
      TakeEnum(&reader, ComplianceType::kGdpr, ComplianceType::kCcpa, &request.asked.compliance) &&
      sound;
  sound = TakeEnum(&reader, DisclosureType::kData, DisclosureType::kSources,
                   &request.asked.disclosure) &&
          sound;
  sound = TakeEnum(&reader, PersonRequestStatus::kPending, PersonRequestStatus::kRevoked,
                   &request.status) &&
          sound;
  const uint64_t project = reader.Varint();
  request.asked.project.value = static_cast<uint32_t>(project);
  request.asked.requester = reader.String();
  request.asked_ms = reader.SignedVarint();
  request.finished_ms = reader.SignedVarint();
  request.receipt = reader.String();
  request.failure = reader.String();
  const size_t subjects = reader.Count();
  sound = sound && project <= UINT32_MAX && IsId(request.id) &&
          subjects <= kMaxPersonRequestSubjects && request.receipt.size() <= kMaxTextBytes &&
          request.failure.size() <= kMaxTextBytes;
  for (size_t i = 0; i < subjects && sound && reader.ok(); ++i) {
    request.asked.subjects.push_back({reader.Fixed<std::array<uint8_t, 16>>()});
  }
  if (!sound || !reader.ok() || !reader.AtEnd()) {
    return Error{ErrorCode::kCorruption, "a person request is damaged"};
  }
  return request;
}

std::string SealPersonRequest(const PersonRequest& request, const KeyRing& keys) {
  const KeyRing::Entry& key = keys.newest();
  std::string bytes(kMagic);
  ByteWriter writer(&bytes);
  writer.Byte(kVersion);
  writer.Fixed(key.id);
  bytes += AeadEncrypt(key.key, EncodePersonRequest(request), Context(request.id, bytes));
  return bytes;
}

Result<OpenedPersonRequest> OpenPersonRequest(std::string_view bytes, std::string_view id,
                                              const KeyRing& keys) {
  const Error damaged{ErrorCode::kCorruption, "a person request is damaged"};
  ByteReader reader(bytes);
  if (reader.Raw(kMagic.size()) != kMagic || reader.Byte() != kVersion) {
    return Error{ErrorCode::kCorruption, "not a person request of a version that is known"};
  }
  const auto key_id = reader.Fixed<uint32_t>();
  if (!reader.ok()) {
    return damaged;
  }
  const Result<const SecretBytes*> key = keys.Find(key_id);
  if (!key) {
    return Error{ErrorCode::kCorruption,
                 "a person request lies under key " + std::to_string(key_id) + ", which is gone"};
  }
  const size_t header = bytes.size() - reader.remaining();
  const Result<SecretBytes> plain =
      AeadDecrypt(**key, bytes.substr(header), Context(id, bytes.substr(0, header)));
  if (!plain) {
    return damaged;
  }
  Result<PersonRequest> request = DecodePersonRequest(plain->view());
  if (!request || request->id != id) {
    return damaged;
  }
  return OpenedPersonRequest{std::move(*request), key_id == keys.newest().id};
}

}  // namespace bulkhead
