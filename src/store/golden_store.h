// A small history and what a store holds after it, for the tests of its files; and files as text.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/faulty_file_system.h"
#include "base/hex.h"
#include "model/event.h"
#include "store/random_batches.h"
#include "store/store.h"
#include "store/test_keys.h"

namespace bulkhead {

// Every value, name and id of it that must not be found in a file.
inline constexpr std::string_view kGoldenNeedles[] = {
    "golden-needle", "Signed Up", "Opened", "enterprise", "plan", "amount", "company", "team"};

inline std::vector<Batch> GoldenBatches() {
  constexpr int64_t kStartMs = 1'788'220'800'000;
  const char* const plans[] = {"free", "pro", "golden-needle-plan"};
  std::vector<Batch> batches(2);
  for (uint32_t i = 0; i < 12; ++i) {
    Event event;
    event.name = i % 3 == 0 ? "Signed Up" : "Opened";
    event.time_ms = kStartMs + i * 60'000;
    event.person = TestSubject(i % 4);
    event.insert_id = i + 1;
    event.properties.emplace_back("plan", Value(plans[i % 3]));
    if (i % 2 == 0) event.properties.emplace_back("amount", Value(i * 2.5));
    batches[0].events.push_back(event);
  }
  Event linking = batches[0].events[1];
  linking.device = TestSubject(3);
  linking.insert_id = 99;
  batches[1].events.push_back(linking);
  Event replaced = batches[0].events[5];
  replaced.properties = {{"plan", Value("enterprise")}};
  batches[1].events.push_back(replaced);
  ProfileUpdate update;
  update.subject = TestSubject(1);
  update.op = ProfileOperator::kSet;
  update.time_ms = kStartMs;
  update.properties.emplace_back("team", Value("golden-needle-team"));
  batches[1].profile_updates.push_back(update);
  update.subject = {};
  update.group_key = "company";
  update.group_id = "golden-needle-company";
  batches[1].profile_updates.push_back(update);
  return batches;
}

inline StoreOptions GoldenOptions(FileSystem* fs) {
  StoreOptions options;
  options.fs = fs;
  options.dir = "/store";
  options.keys = &TestStoreKeys();
  options.owner = "1";
  options.background = false;
  return options;
}

// Two segments, a people file, a manifest.
inline void WriteGoldenStore(FileSystem* fs) {
  auto store = Store::Open(GoldenOptions(fs));
  uint64_t position = 1;
  for (const Batch& batch : GoldenBatches()) {
    Check((*store)->Apply(batch, position, position + 100).has_value(), "applied");
    position += 100;
    Check((*store)->Flush().has_value(), "flushed");
  }
}

using Files = std::map<std::string, std::string>;

inline Files FilesOf(FileSystem* fs) {
  Files files;
  const auto names = fs->List("/store");
  for (const std::string& name : *names) files[name] = *fs->ReadWhole("/store/" + name);
  return files;
}

inline void PutFiles(FileSystem* fs, const Files& files) {
  Check(fs->CreateDirs("/store").has_value(), "made");
  for (const auto& [name, bytes] : files) {
    Check(fs->WriteFileAtomically("/store/" + name, bytes).has_value(), "written");
  }
}

// "file NAME" and lines of hexadecimal digits.
inline std::string ToText(const Files& files) {
  std::string text;
  for (const auto& [name, bytes] : files) {
    text += "file " + name + "\n";
    const std::string hex =
        HexEncode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    for (size_t at = 0; at < hex.size(); at += 64) text += hex.substr(at, 64) + "\n";
  }
  return text;
}

}  // namespace bulkhead
