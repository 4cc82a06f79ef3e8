// Property values as bytes: in dictionaries (lists and objects), and in the people file. Decoding
// is safe on any bytes and nests at most kMaxValueDepth deep.
//
//   kind u8, then  bool: u8   number: f64   string: varint length, bytes
//                  list: varint count, values   object: varint count, (name string, value)...
#pragma once

#include <string>

#include "base/byte_codec.h"
#include "model/value.h"

namespace bulkhead {

inline constexpr int kMaxValueDepth = 16;  // deeper parts are written as null

void EncodeValue(const Value& value, std::string* out);
void EncodeObject(const ValueObject& object, std::string* out);

// False on malformed bytes; the reader is then of no more use.
bool DecodeValue(ByteReader* reader, Value* out);
bool DecodeObject(ByteReader* reader, ValueObject* out);

}  // namespace bulkhead
