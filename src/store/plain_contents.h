// Everything that a store's files say once they are decrypted, as one text to search, for tests:
// that something is gone from ciphertext shows nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/manifest.h"
#include "store/people_file.h"
#include "store/segment.h"
#include "store/store.h"

namespace bulkhead {

inline void AppendSegment(const Segment& segment, std::string* text) {
  const Segment::PersonTable* persons = *segment.Persons();
  for (const SubjectId& id : persons->ids) *text += "person " + id.ToHex() + "\n";
  for (size_t column = 0; column < segment.columns(); ++column) {
    *text += "column " + segment.ColumnName(column) + "\n";
    const auto dictionary = *segment.DictionaryOf(column);
    for (uint32_t code = 1; code <= dictionary->size(); ++code) {
      *text += "value " + ToJson(dictionary->At(code)) + "\n";
    }
  }
}

inline void AppendPeople(FileSystem& fs, const std::string& path, const SecretBytes& key,
                         std::string* text) {
  IdentityLinks links;
  Profiles profiles;
  Check(ReadPeople(*fs.ReadWhole(path), key, &links, &profiles).has_value(), "people are readable");
  for (const IdentityLink& link : links.links()) {
    *text += "link " + link.device.ToHex() + " " + link.user.ToHex() + "\n";
  }
  profiles.people().Freeze()->ForEach([&](const SubjectId& id, const Profiles::Object& object) {
    *text += "profile " + id.ToHex() + " " + ToJson(Value(*object)) + "\n";
  });
}

// Also checks that the directory holds the files that the manifest names and no other.
inline std::string PlainContents(const StoreOptions& options) {
  FileSystem& fs = *options.fs;
  const auto path = [&](const std::string& name) { return options.dir + "/" + name; };
  const auto manifest =
      DecodeManifest(*fs.ReadWhole(path(std::string(kManifestName))), *options.keys, options.owner);
  Check(manifest.has_value(), "the manifest is readable");
  std::string text;
  size_t files = 1;
  for (const ManifestSegment& entry : manifest->segments) {
    const auto segment = Segment::Open(
        fs, {path(SegmentFileName(entry.file)), entry.file, SecretBytes(entry.key.view())},
        std::make_shared<ColumnCache>(1 << 20));
    Check(segment.has_value(), "a segment is readable");
    AppendSegment(**segment, &text);
    ++files;
  }
  if (manifest->people_file != 0) {
    AppendPeople(fs, path(PeopleFileName(manifest->people_file)), manifest->people_key, &text);
    ++files;
  }
  Check(fs.List(options.dir)->size() == files, "no file but those of the manifest");
  return text;
}

}  // namespace bulkhead
