#include "incident/incident_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "crypto/sealed_file.h"
#include "incident/calendar.h"

namespace bulkhead {
namespace {

constexpr std::string_view kMagic = "BHINCI01";

// "2025-11-26-10" comes after "2025-11-26-9".
bool IsEarlier(std::string_view left, std::string_view right) {
  return left.size() != right.size() && left.substr(0, 10) == right.substr(0, 10)
             ? left.size() < right.size()
             : left < right;
}

}  // namespace

Result<IncidentStore> IncidentStore::Open(FileSystem& fs, const std::string& dir,
                                          const KeyRing& keys) {
  if (Result<void> made = fs.CreateDirs(dir); !made) {
    return made.error();
  }
  IncidentStore store(fs, dir, keys);
  const Result<std::vector<Name>> names = store.Names();
  if (!names) {
    return names.error();
  }
  for (const Name& name : *names) {
    if (const Result<IncidentVersion> version = store.Read(name); !version) {
      return version.error();
    }
  }
  for (const Name& name : *names) {
    if (Result<void> rewrapped = store.Rewrap(name); !rewrapped) {
      return rewrapped.error();
    }
  }
  return store;
}

std::string IncidentStore::PathOf(const Name& name) const {
  return fmt::format("{}/{}.{}", dir_, name.id, name.number);
}

// By incident, each complete: no version is missing before its last one.
Result<std::vector<IncidentStore::Name>> IncidentStore::Names() const {
  const Result<std::vector<std::string>> files = fs_->List(dir_);
  if (!files) {
    return files.error();
  }
  std::vector<Name> names;
  for (const std::string& file : *files) {
    const size_t dot = file.find('.');
    Name name{file.substr(0, dot), 0};
    const char* const end = file.data() + file.size();
    const char* const begin = dot == std::string::npos ? end : file.data() + dot + 1;
    const auto [stop, fault] = std::from_chars(begin, end, name.number);
    // What a crash left half written has another name.
    if (fault == std::errc() && stop == end && IsIncidentId(name.id)) {
      names.push_back(std::move(name));
    }
  }
  std::ranges::sort(names, [](const Name& a, const Name& b) {
    return a.id != b.id ? IsEarlier(a.id, b.id) : a.number < b.number;
  });
  for (size_t i = 0; i < names.size(); ++i) {
    const bool first = i == 0 || names[i - 1].id != names[i].id;
    if (names[i].number != (first ? 1 : names[i - 1].number + 1)) {
      return Error{ErrorCode::kCorruption,
                   fmt::format("incident {} lacks version {}", names[i].id, names[i].number - 1)};
    }
  }
  return names;
}

Result<IncidentVersion> IncidentStore::Read(const Name& name) const {
  const std::string path = PathOf(name);
  const Result<std::string> bytes = fs_->ReadWhole(path);
  if (!bytes) {
    return bytes.error();
  }
  const Result<SealedFile> file =
      DecryptFile(*keys_, {kMagic, fmt::format("{}.{}", name.id, name.number)}, *bytes);
  if (!file) {
    return file.error().code == ErrorCode::kDenied
               ? Error{ErrorCode::kUnavailable, path + " lies under a vendor key that was retired"}
               : Error{file.error().code, path + ": " + file.error().message};
  }
  Result<IncidentVersion> version = DecodeIncidentVersion(file->body);
  if (!version || version->id != name.id || version->number != name.number) {
    return Error{ErrorCode::kCorruption, path + " is damaged"};
  }
  return version;
}

Result<void> IncidentStore::Write(const Name& name, std::string_view body) {
  const std::string owner = fmt::format("{}.{}", name.id, name.number);
  return fs_->WriteFileAtomically(PathOf(name), EncryptFile(*keys_, {kMagic, owner}, {}, body));
}

Result<void> IncidentStore::Rewrap(const Name& name) {
  const Result<std::string> bytes = fs_->ReadWhole(PathOf(name));
  if (!bytes) {
    return bytes.error();
  }
  const Result<uint32_t> wrapped = RingKeyOf({kMagic, ""}, *bytes);
  if (!wrapped || *wrapped == keys_->newest().id) {
    return wrapped ? Result<void>() : wrapped.error();
  }
  const Result<IncidentVersion> version = Read(name);
  return version ? Write(name, EncodeIncidentVersion(*version)) : version.error();
}

Result<std::vector<std::string>> IncidentStore::List() const {
  const Result<std::vector<Name>> names = Names();
  if (!names) {
    return names.error();
  }
  std::vector<std::string> ids;
  for (const Name& name : *names) {
    if (name.number == 1) ids.push_back(name.id);
  }
  return ids;
}

Result<std::vector<IncidentVersion>> IncidentStore::Versions(const std::string& id) const {
  const Result<std::vector<Name>> names = Names();
  if (!names) {
    return names.error();
  }
  std::vector<IncidentVersion> versions;
  for (const Name& name : *names) {
    if (name.id != id) continue;
    Result<IncidentVersion> version = Read(name);
    if (!version) {
      return version.error();
    }
    versions.push_back(*std::move(version));
  }
  if (versions.empty()) {
    return Error{ErrorCode::kNotFound, "there is no such incident"};
  }
  return versions;
}

Result<std::string> IncidentStore::NextId(int32_t day) const {
  const Result<std::vector<std::string>> ids = List();
  if (!ids) {
    return ids.error();
  }
  const std::string date = FormatDay(day);
  const auto same_day =
      std::ranges::count_if(*ids, [&](const std::string& id) { return id.starts_with(date); });
  return fmt::format("{}-{}", date, same_day + 1);
}

Result<void> IncidentStore::Add(const IncidentVersion& version) {
  const Result<std::vector<Name>> names = Names();
  if (!names) {
    return names.error();
  }
  const auto there = static_cast<size_t>(
      std::ranges::count_if(*names, [&](const Name& name) { return name.id == version.id; }));
  if (!IsIncidentId(version.id) || version.number != there + 1) {
    return Error{ErrorCode::kInvalid, "another version was made meanwhile"};
  }
  return Write({version.id, version.number}, EncodeIncidentVersion(version));
}

}  // namespace bulkhead
