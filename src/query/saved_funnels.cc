#include "query/saved_funnels.h"

#include <simdjson.h>

#include <algorithm>

#include "crypto/sealed_file.h"
#include "model/value.h"
#include "query/funnel_check.h"
#include "wire/report_parser.h"

namespace bulkhead {
namespace {

constexpr std::string_view kMagic{"BHFUN\0\0\2", 8};  // last byte: version; 1 was plain JSON
constexpr size_t kMaxFunnels = 10'000;
constexpr size_t kMaxNameBytes = 255;

Error Damaged() {
  return {ErrorCode::kCorruption, "saved funnels: the file is not what was written"};
}

Result<std::vector<SavedFunnel>> Parse(std::string_view text, uint64_t* next_id) {
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  simdjson::dom::array list;
  uint64_t version = 0;
  if (parser.parse(text.data(), text.size()).get_object().get(root) != simdjson::SUCCESS ||
      root["version"].get_uint64().get(version) != simdjson::SUCCESS || version != 1 ||
      root["next_id"].get_uint64().get(*next_id) != simdjson::SUCCESS ||
      root["funnels"].get_array().get(list) != simdjson::SUCCESS) {
    return Damaged();
  }
  std::vector<SavedFunnel> funnels;
  for (const simdjson::dom::element entry : list) {
    SavedFunnel funnel;
    std::string_view name;
    simdjson::dom::element definition;
    if (entry["id"].get_uint64().get(funnel.id) != simdjson::SUCCESS ||
        entry["name"].get_string().get(name) != simdjson::SUCCESS ||
        entry["definition"].get(definition) != simdjson::SUCCESS || funnel.id >= *next_id) {
      return Damaged();
    }
    funnel.name = std::string(name);
    funnel.definition = simdjson::minify(definition);
    funnels.push_back(std::move(funnel));
  }
  return funnels;
}

}  // namespace

Result<std::unique_ptr<SavedFunnels>> SavedFunnels::Open(Options options) {
  Check(options.keys != nullptr && !options.keys->empty(), "saved funnels are opened with a key");
  std::unique_ptr<SavedFunnels> saved(new SavedFunnels(std::move(options)));
  if (Result<void> loaded = saved->Load(); !loaded) {
    return loaded.error();
  }
  return saved;
}

Result<void> SavedFunnels::Load() {
  Result<std::string> text = options_.fs->ReadWhole(options_.path);
  if (!text) {
    return text.error().code == ErrorCode::kNotFound ? Result<void>() : text.error();
  }
  if (!text->starts_with('{')) {
    Result<SealedFile> file = DecryptFile(*options_.keys, {kMagic, options_.owner}, *text);
    if (!file) {
      return Error{file.error().code, "saved funnels: " + file.error().message};
    }
    ring_key_ = file->ring_key;
    *text = std::move(file->body);
  } else if (!options_.accept_plain) {
    return Damaged();
  }
  Result<std::vector<SavedFunnel>> funnels = Parse(*text, &next_id_);
  if (!funnels) {
    return funnels.error();
  }
  funnels_ = *std::move(funnels);
  return {};
}

Result<void> SavedFunnels::RewrapAll(const KeyRing& keys) {
  const std::lock_guard lock(mutex_);
  options_.keys = &keys;
  if (ring_key_ == keys.newest().id || (ring_key_ == 0 && next_id_ == 1)) {
    return {};
  }
  return Write(funnels_, next_id_);
}

Result<uint64_t> SavedFunnels::Add(std::string_view name, std::string_view definition_json) {
  if (name.empty() || name.size() > kMaxNameBytes) {
    return Error{ErrorCode::kInvalid, "name: 1 to 255 bytes expected"};
  }
  const Result<FunnelReport> checked = ParseFunnelDefinition(definition_json);
  if (!checked) {
    return checked.error();
  }
  if (Result<void> answerable = CheckFunnelIsAnswered(*checked); !answerable) {
    return answerable.error();
  }
  const std::lock_guard lock(mutex_);
  if (funnels_.size() >= kMaxFunnels) {
    return Error{ErrorCode::kLimit, "saved funnels: no more than 10000"};
  }
  std::vector<SavedFunnel> funnels = funnels_;
  const uint64_t id = next_id_;
  funnels.push_back({id, std::string(name), std::string(definition_json)});
  if (Result<void> written = Write(funnels, id + 1); !written) {
    return written.error();
  }
  funnels_ = std::move(funnels);
  next_id_ = id + 1;
  return id;
}

Result<void> SavedFunnels::Remove(uint64_t id) {
  const std::lock_guard lock(mutex_);
  std::vector<SavedFunnel> funnels = funnels_;
  if (std::erase_if(funnels, [&](const SavedFunnel& funnel) { return funnel.id == id; }) == 0) {
    return Error{ErrorCode::kNotFound, "funnel_id: no such funnel"};
  }
  if (Result<void> written = Write(funnels, next_id_); !written) {
    return written;
  }
  funnels_ = std::move(funnels);
  return {};
}

std::vector<SavedFunnel> SavedFunnels::List() const {
  const std::lock_guard lock(mutex_);
  return funnels_;
}

Result<FunnelReport> SavedFunnels::Find(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto it = std::find_if(funnels_.begin(), funnels_.end(),
                               [&](const SavedFunnel& funnel) { return funnel.id == id; });
  if (it == funnels_.end()) {
    return Error{ErrorCode::kNotFound, "funnel_id: no such funnel"};
  }
  return ParseFunnelDefinition(it->definition);
}

Result<void> SavedFunnels::Write(const std::vector<SavedFunnel>& funnels, uint64_t next_id) {
  std::string text = R"({"version":1,"next_id":)" + std::to_string(next_id) + R"(,"funnels":[)";
  for (const SavedFunnel& funnel : funnels) {
    text += &funnel == funnels.data() ? "" : ",";
    text += R"({"id":)" + std::to_string(funnel.id) + R"(,"name":)";
    AppendJsonString(funnel.name, &text);
    text += R"(,"definition":)" + funnel.definition + "}";
  }
  text += "]}\n";
  Result<void> written = options_.fs->WriteFileAtomically(
      options_.path, EncryptFile(*options_.keys, {kMagic, options_.owner}, SecretBytes(), text));
  if (written) ring_key_ = options_.keys->newest().id;
  return written;
}

}  // namespace bulkhead
