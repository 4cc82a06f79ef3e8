#include "egress/ledger_manifest.h"

#include <cstring>
#include <utility>

#include "base/byte_codec.h"
#include "crypto/sealed_file.h"
#include "egress/ledger_format.h"

namespace bulkhead {
namespace {

constexpr std::string_view kOwner = "ledger";

Error Damaged(const std::string& what) {
  return {ErrorCode::kCorruption, "ledger: " + std::string(kLedgerManifestName) + ": " + what};
}

// Each file that is written once, in the order of the manifest.
template <typename Each>
void ForEachFile(const LedgerVendors& vendors, Each&& each) {
  for (const auto& [name, vendor] : vendors) {
    for (const auto& [number, epoch] : vendor.epochs) {
      for (const LedgerSubjectsFile& subjects : epoch.subjects) {
        each(LedgerFileKind::kSubjects, *subjects.file);
      }
      for (const LedgerDayFile& day : epoch.days) each(LedgerFileKind::kDay, *day.file);
    }
  }
}

SecretBytes CollectKeys(const LedgerManifest& manifest) {
  std::vector<const SecretBytes*> keys;
  for (const LedgerJournalFile& journal : manifest.journals) keys.push_back(journal.key.get());
  ForEachFile(manifest.vendors,
              [&](LedgerFileKind, const LedgerFile& file) { keys.push_back(&file.key); });
  SecretBytes all(keys.size() * kKeyBytes);
  for (size_t i = 0; i < keys.size(); ++i) {
    std::memcpy(all.data() + i * kKeyBytes, keys[i]->data(), kKeyBytes);
  }
  return all;
}

void PutFile(const LedgerFile& file, ByteWriter* out) {
  out->Varint(file.number);
  out->Varint(file.bytes);
  out->Fixed(file.sha256);
}

void PutVendor(const LedgerVendor& vendor, ByteWriter* out) {
  out->Varint(vendor.last_sequence);
  out->Varint(vendor.epochs.size());
  for (const auto& [number, epoch] : vendor.epochs) {
    out->Varint(number);
    out->Varint(epoch.subjects.size());
    for (const LedgerSubjectsFile& subjects : epoch.subjects) {
      PutFile(*subjects.file, out);
      out->Varint(subjects.subjects);
    }
    out->Varint(epoch.days.size());
    for (const LedgerDayFile& day : epoch.days) {
      PutFile(*day.file, out);
      out->Varint(static_cast<uint32_t>(day.day));
      out->Varint(day.sends);
      out->Varint(day.subjects);
    }
  }
}

// Reads the body and takes the keys in the same order.
class ManifestReader {
 public:
  ManifestReader(std::string_view body, std::string_view keys) : in_(body), keys_(keys) {}

  bool Read(LedgerManifest* manifest) {
    manifest->commits = in_.Varint();
    manifest->next_file = next_file_ = in_.Varint();
    const size_t journals = in_.Count();
    for (size_t i = 0; i < journals; ++i) {
      if (!ReadJournal(i + 1 == journals, &manifest->journals.emplace_back())) return false;
    }
    const size_t vendors = in_.Count();
    for (size_t i = 0; i < vendors; ++i) {
      std::string name(in_.String());
      if (name.empty() || name.size() > kMaxVendorNameBytes ||
          (i > 0 && manifest->vendors.rbegin()->first >= name) ||
          !ReadVendor(&manifest->vendors[std::move(name)])) {
        return false;
      }
    }
    return in_.ok() && in_.AtEnd() && keys_.ok() && keys_.AtEnd();
  }

 private:
  uint32_t Number32() {
    const uint64_t number = in_.Varint();
    fits_ = fits_ && number <= UINT32_MAX;
    return static_cast<uint32_t>(number);
  }
  bool ReadNumber(uint64_t* number) {
    *number = in_.Varint();
    return in_.ok() && *number != 0 && *number < next_file_;
  }
  bool ReadJournal(bool last, LedgerJournalFile* journal) {
    if (!ReadNumber(&journal->number)) return false;
    journal->key = std::make_shared<SecretBytes>(keys_.Raw(kKeyBytes));
    if (const uint64_t records = in_.Varint(); records > 0) journal->records = records - 1;
    return keys_.ok() && journal->records.has_value() != last;
  }
  LedgerFileRef ReadFile() {
    auto file = std::make_shared<LedgerFile>();
    if (!ReadNumber(&file->number)) return nullptr;
    file->bytes = in_.Varint();
    file->sha256 = in_.Fixed<std::array<uint8_t, 32>>();
    file->key = SecretBytes(keys_.Raw(kKeyBytes));
    return keys_.ok() ? file : nullptr;
  }
  bool ReadVendor(LedgerVendor* vendor) {
    vendor->last_sequence = in_.Varint();
    const size_t epochs = in_.Count();
    for (size_t i = 0; i < epochs; ++i) {
      const uint32_t number = Number32();
      if ((i > 0 && vendor->epochs.rbegin()->first >= number) ||
          !ReadEpoch(&vendor->epochs[number])) {
        return false;
      }
    }
    return in_.ok();
  }
  bool ReadEpoch(LedgerEpoch* epoch) {
    uint64_t ordinals = 0;
    const size_t files = in_.Count();
    for (size_t i = 0; i < files; ++i) {
      LedgerSubjectsFile& subjects = epoch->subjects.emplace_back();
      subjects.file = ReadFile();
      subjects.subjects = Number32();
      ordinals += subjects.subjects;
      if (!subjects.file || subjects.subjects == 0 || ordinals > kMaxLedgerSubjects) return false;
    }
    const size_t days = in_.Count();
    for (size_t i = 0; i < days; ++i) {
      LedgerDayFile day;
      day.file = ReadFile();
      const uint32_t number = Number32();
      day.sends = in_.Varint();
      day.subjects = Number32();
      if (!day.file || number > kMaxLedgerDay || day.subjects > ordinals || !fits_) return false;
      day.day = static_cast<int32_t>(number);
      if (i > 0 && epoch->days.back().day >= day.day) return false;
      epoch->days.push_back(std::move(day));
    }
    return in_.ok() && fits_;
  }

  ByteReader in_;
  ByteReader keys_;
  uint64_t next_file_ = 0;
  bool fits_ = true;
};

}  // namespace

uint32_t LedgerEpoch::ordinals() const {
  uint32_t count = 0;
  for (const LedgerSubjectsFile& file : subjects) count += file.subjects;
  return count;
}

std::string EncodeLedgerManifest(const LedgerManifest& manifest, const KeyRing& ring) {
  std::string body;
  ByteWriter out(&body);
  out.Varint(manifest.commits);
  out.Varint(manifest.next_file);
  out.Varint(manifest.journals.size());
  for (const LedgerJournalFile& journal : manifest.journals) {
    out.Varint(journal.number);
    out.Varint(journal.records ? *journal.records + 1 : 0);
  }
  out.Varint(manifest.vendors.size());
  for (const auto& [name, vendor] : manifest.vendors) {
    out.String(name);
    PutVendor(vendor, &out);
  }
  return EncryptFile(ring, {kLedgerManifestHead, kOwner}, CollectKeys(manifest), body);
}

Result<LedgerManifest> DecodeLedgerManifest(std::string_view bytes, const KeyRing& ring) {
  const Result<SealedFile> file = DecryptFile(ring, {kLedgerManifestHead, kOwner}, bytes);
  if (!file) return Error{file.error().code, Damaged(file.error().message).message};
  LedgerManifest manifest;
  if (!ManifestReader(file->body, file->secrets.view()).Read(&manifest)) {
    return Damaged("malformed");
  }
  return manifest;
}

std::vector<std::string> LedgerFileNames(const LedgerManifest& manifest) {
  std::vector<std::string> names;
  for (const LedgerJournalFile& journal : manifest.journals) {
    names.push_back(LedgerFileName(LedgerFileKind::kJournal, journal.number));
  }
  ForEachFile(manifest.vendors, [&](LedgerFileKind kind, const LedgerFile& file) {
    names.push_back(LedgerFileName(kind, file.number));
  });
  return names;
}

}  // namespace bulkhead
