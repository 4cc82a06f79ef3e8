#include "main/compartment_start.h"

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

void WriteTexts(const std::vector<std::string>& texts, ByteWriter* writer) {
  writer->Varint(texts.size());
  for (const std::string& text : texts) {
    writer->String(text);
  }
}

void ReadTexts(ByteReader* reader, std::vector<std::string>* texts) {
  for (size_t left = reader->Count(); left > 0 && reader->ok(); --left) {
    texts->emplace_back(reader->String());
  }
}

}  // namespace

std::vector<int> CompartmentStart::Descriptors() const {
  std::vector<int> all = {own->descriptor(), lock.get()};
  for (const auto& board : boards) {
    all.push_back(board->descriptor());
  }
  if (listener_socket.valid()) {
    all.push_back(listener_socket.get());
  }
  return all;
}

StartMessage EncodeStart(const CompartmentStart& start, const StartDescriptors& descriptors) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.String(start.data_dir);
  writer.String(start.place_database);
  writer.String(start.listener.listen);
  writer.String(start.listener.tls_certificate);
  writer.String(start.listener.tls_key);
  writer.Byte(start.listener.allow_tls_1_2 ? 1 : 0);
  WriteTexts(start.listener.trusted_proxies, &writer);
  writer.Varint(start.listener.max_connections);
  writer.Byte(start.relay ? 1 : 0);
  writer.String(start.operator_hash);
  writer.String(start.weaker_confinement);
  writer.Varint(start.connect_ports.size());
  for (const uint16_t port : start.connect_ports) {
    writer.Fixed(port);
  }
  WriteTexts(start.witness_urls, &writer);
  WriteTexts(start.witness_keys, &writer);
  writer.Byte(descriptors.listener >= 0 ? 1 : 0);
  writer.String(start.keys.view());
  StartMessage message;
  message.body = SecretBytes(bytes);
  Wipe(&bytes);
  message.descriptors.push_back(descriptors.own_board);
  message.descriptors.insert(message.descriptors.end(), descriptors.boards.begin(),
                             descriptors.boards.end());
  message.descriptors.push_back(descriptors.lock);
  if (descriptors.listener >= 0) {
    message.descriptors.push_back(descriptors.listener);
  }
  return message;
}

namespace {

Result<void> TakeDescriptors(std::vector<Descriptor> descriptors, bool with_listener,
                             CompartmentStart* start) {
  if (descriptors.size() != kBoards + 2 + (with_listener ? 1 : 0)) {
    return Error{ErrorCode::kBug, "a start comes with other descriptors than expected"};
  }
  Result<std::unique_ptr<StatusBoard>> own = StatusBoard::Map(descriptors[0], true);
  if (!own) {
    return own.error();
  }
  start->own = *std::move(own);
  for (size_t i = 0; i < kBoards; ++i) {
    Result<std::unique_ptr<StatusBoard>> board = StatusBoard::Map(descriptors[i + 1], false);
    if (!board) {
      return board.error();
    }
    start->boards.at(i) = *std::move(board);
  }
  start->lock = std::move(descriptors[kBoards + 1]);
  if (with_listener) {
    start->listener_socket = std::move(descriptors[kBoards + 2]);
  }
  return {};
}

}  // namespace

Result<CompartmentStart> DecodeStart(Message message) {
  ByteReader reader(message.body);
  CompartmentStart start;
  start.data_dir = reader.String();
  start.place_database = reader.String();
  start.listener.listen = reader.String();
  start.listener.tls_certificate = reader.String();
  start.listener.tls_key = reader.String();
  start.listener.allow_tls_1_2 = reader.Byte() != 0;
  ReadTexts(&reader, &start.listener.trusted_proxies);
  start.listener.max_connections = reader.Varint();
  start.relay = reader.Byte() != 0;
  start.operator_hash = reader.String();
  start.weaker_confinement = reader.String();
  for (size_t left = reader.Count(); left > 0; --left) {
    start.connect_ports.push_back(reader.Fixed<uint16_t>());
  }
  ReadTexts(&reader, &start.witness_urls);
  ReadTexts(&reader, &start.witness_keys);
  const bool with_listener = reader.Byte() != 0;
  start.keys = SecretBytes(reader.String());
  const bool whole = reader.ok() && reader.AtEnd();
  Wipe(&message.body);
  if (message.kind != kMessageStart || !whole) {
    return Error{ErrorCode::kBug, "the first message to a compartment is no start"};
  }
  if (Result<void> taken = TakeDescriptors(std::move(message.descriptors), with_listener, &start);
      !taken) {
    return taken.error();
  }
  return start;
}

}  // namespace bulkhead
