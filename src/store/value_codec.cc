#include "store/value_codec.h"

#include <utility>

namespace bulkhead {
namespace {

void Encode(const Value& value, int depth, std::string* out);

void EncodeMembers(const ValueObject& object, int depth, std::string* out) {
  ByteWriter writer(out);
  writer.Varint(object.size());
  for (const auto& [name, member] : object) {
    writer.String(name);
    Encode(member, depth + 1, out);
  }
}

void Encode(const Value& value, int depth, std::string* out) {
  ByteWriter writer(out);
  const bool too_deep = depth >= kMaxValueDepth && (value.is_list() || value.is_object());
  const ValueKind kind = too_deep ? ValueKind::kNull : value.kind();
  writer.Byte(static_cast<uint8_t>(kind));
  switch (kind) {
    case ValueKind::kNull:
      break;
    case ValueKind::kBool:
      writer.Byte(value.bool_value() ? 1 : 0);
      break;
    case ValueKind::kNumber:
      writer.Fixed(value.number());
      break;
    case ValueKind::kString:
      writer.String(value.string());
      break;
    case ValueKind::kList:
      writer.Varint(value.list().size());
      for (const Value& element : value.list()) {
        Encode(element, depth + 1, out);
      }
      break;
    case ValueKind::kObject:
      EncodeMembers(value.object(), depth, out);
      break;
  }
}

bool Decode(ByteReader* reader, int depth, Value* out);

bool DecodeMembers(ByteReader* reader, int depth, ValueObject* out) {
  const size_t count = reader->Count();
  for (size_t i = 0; i < count && reader->ok(); ++i) {
    std::string name(reader->String());
    Value member;
    if (!Decode(reader, depth + 1, &member)) {
      return false;
    }
    out->emplace_back(std::move(name), std::move(member));
  }
  return reader->ok();
}

bool DecodeElements(ByteReader* reader, int depth, ValueList* out) {
  const size_t count = reader->Count();
  for (size_t i = 0; i < count && reader->ok(); ++i) {
    if (!Decode(reader, depth + 1, &out->emplace_back())) {
      return false;
    }
  }
  return reader->ok();
}

bool Decode(ByteReader* reader, int depth, Value* out) {
  const uint8_t kind = reader->Byte();
  if (!reader->ok() || kind > static_cast<uint8_t>(ValueKind::kObject) || depth > kMaxValueDepth) {
    return false;
  }
  switch (static_cast<ValueKind>(kind)) {
    case ValueKind::kNull:
      *out = Value();
      return true;
    case ValueKind::kBool:
      *out = Value(reader->Byte() != 0);
      return reader->ok();
    case ValueKind::kNumber:
      *out = Value(reader->Fixed<double>());
      return reader->ok();
    case ValueKind::kString:
      *out = Value(reader->String());
      return reader->ok();
    case ValueKind::kList: {
      ValueList list;
      const bool ok = DecodeElements(reader, depth, &list);
      *out = Value(std::move(list));
      return ok;
    }
    case ValueKind::kObject: {
      ValueObject object;
      const bool ok = DecodeMembers(reader, depth, &object);
      *out = Value(std::move(object));
      return ok;
    }
  }
  return false;
}

}  // namespace

void EncodeValue(const Value& value, std::string* out) { Encode(value, 0, out); }
void EncodeObject(const ValueObject& object, std::string* out) { EncodeMembers(object, 0, out); }
bool DecodeValue(ByteReader* reader, Value* out) { return Decode(reader, 0, out); }
bool DecodeObject(ByteReader* reader, ValueObject* out) { return DecodeMembers(reader, 0, out); }

}  // namespace bulkhead
