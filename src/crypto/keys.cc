#include "crypto/keys.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "crypto/key_file.h"
#include "crypto/keys_v1.h"

namespace bulkhead {
namespace {

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// --- Making ---

// Makes what is missing. True: something was.
bool CompletePart(KeyScope scope, int64_t now_ms, std::vector<KeyEntry>* entries) {
  bool added = false;
  for (uint8_t i = 1; i <= static_cast<uint8_t>(kLastKeyPurpose); ++i) {
    const auto purpose = static_cast<KeyPurpose>(i);
    if (!IsPublicHalf(purpose) && ScopeHas(scope, purpose) &&
        NewestKey(*entries, purpose) == nullptr) {
      AddNewestKey(entries, GenerateKey(purpose, 1, now_ms));
      added = true;
    }
  }
  return added;
}

bool Complete(int64_t now_ms, KeyFile* keys) {
  bool added = CompletePart(KeyScope::kFileMain, now_ms, &keys->main());
  if (keys->vault_open()) {
    added |= CompletePart(KeyScope::kFileVault, now_ms, &keys->vault());
    added |= keys->CopyPublicHalves();
  }
  return added;
}

// The root key that the new directory is to have, durable before anything is wrapped by it. One
// that is there was brought, or is left from a call that a crash cut off.
Result<SecretBytes> MakeRootKey(FileSystem& fs, const std::string& path) {
  if (fs.Exists(path)) {
    return LoadRootKey(fs, path);
  }
  SecretBytes root = RandomSecret(kKeyBytes);
  if (Result<void> written = fs.WriteFileAtomically(path, FormatRootKey(root).view()); !written) {
    return written.error();
  }
  return root;
}

// --- Opening ---

KeyScope ScopeOf(Compartment compartment) {
  switch (compartment) {
    case Compartment::kIntake:
      return KeyScope::kIntake;
    case Compartment::kCore:
      return KeyScope::kCore;
    case Compartment::kVault:
      return KeyScope::kVault;
    case Compartment::kAudit:
      return KeyScope::kAudit;
    case Compartment::kEgress:
      return KeyScope::kEgress;
  }
  return KeyScope::kEgress;
}

// --- Parsing ---

using Entries = std::vector<KeyEntry>;

Error Missing(KeyPurpose purpose) {
  return Error{ErrorCode::kNotFound, "the keys lack one of purpose " +
                                         std::string(KeyPurposeName(purpose)) +
                                         ": made by an older program and not brought up to date"};
}

Result<Entries> DecodeWith(KeyScope scope, const SecretBytes& bundle,
                           std::initializer_list<KeyPurpose> needed) {
  Result<Entries> entries = DecodeKeyBundle(scope, bundle.view());
  if (entries) {
    for (const KeyPurpose purpose : needed) {
      if (NewestKey(*entries, purpose) == nullptr) {
        return Missing(purpose);
      }
    }
  }
  return entries;
}

SecretBytes NewestBytes(const Entries& entries, KeyPurpose purpose) {
  return SecretBytes(NewestKey(entries, purpose)->bytes.view());
}

std::array<uint8_t, 32> PublicBytes(const KeyEntry& entry) {
  std::array<uint8_t, 32> bytes{};
  std::memcpy(bytes.data(), entry.bytes.data(), bytes.size());
  return bytes;
}

KeyRing RingOf(const Entries& entries, KeyPurpose purpose) {
  KeyRing ring;
  for (const KeyEntry& entry : entries) {
    if (entry.purpose == purpose) {
      ring.Add(entry.id, SecretBytes(entry.bytes.view()));
    }
  }
  return ring;
}

SealKeyRing PairsOf(const Entries& entries, KeyPurpose purpose) {
  SealKeyRing ring;
  for (const KeyEntry& entry : entries) {
    if (entry.purpose == purpose) {
      ring.Add({PublicBytes(entry), SecretBytes(entry.bytes.view().substr(kKeyBytes))});
    }
  }
  return ring;
}

// Each old key rules until the next one began.
std::vector<IntakeKeys::OldInsertIdKey> OldInsertIdKeys(const Entries& entries) {
  std::vector<IntakeKeys::OldInsertIdKey> old;
  const KeyEntry* before = nullptr;
  for (const KeyEntry& entry : entries) {
    if (entry.purpose != KeyPurpose::kInsertId) {
      continue;
    }
    if (before != nullptr) {
      old.push_back({entry.from_ms, SecretBytes(before->bytes.view())});
    }
    before = &entry;
  }
  return old;
}

}  // namespace

Result<void> CreateKeys(FileSystem& fs, const std::string& dir, const KeyCreation& creation) {
  if (fs.Exists(dir + "/" + std::string(kKeyFileName)) || HasVersion1Keys(fs, dir)) {
    return Error{ErrorCode::kInvalid, dir + " already holds keys"};
  }
  if (Result<void> created = fs.CreateDirs(dir); !created) {
    return created;
  }
  if (Result<void> synced = fs.SyncDir(ParentOf(dir)); !synced) {
    return synced;
  }
  Result<SecretBytes> made{SecretBytes()};
  if (creation.root == nullptr) {
    made =
        MakeRootKey(fs, creation.root_key_file.empty() ? dir + "/" + std::string(kRootKeyFileName)
                                                       : creation.root_key_file);
    if (!made) {
      return made.error();
    }
  }
  const SecretBytes* root = creation.root != nullptr ? creation.root : &*made;
  KeyFile keys;
  Complete(creation.now_ms, &keys);
  return keys.Write(fs, dir, {&root, 1});
}

Result<void> CreateKeys(FileSystem& fs, const std::string& dir) {
  return CreateKeys(fs, dir, KeyCreation{});
}

Result<bool> UpgradeKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root,
                         int64_t now_ms, std::span<const VaultShare> shares) {
  const bool version_1 = HasVersion1Keys(fs, dir);
  const bool present = fs.Exists(dir + "/" + std::string(kKeyFileName));
  Result<KeyFile> keys = present || !version_1 ? KeyFile::Read(fs, dir, root)
                                               : ReadVersion1Keys(fs, dir, root, now_ms);
  if (!keys) {
    return keys.error();
  }
  if (!shares.empty()) {
    if (const Result<void> opened = keys->OpenVault(shares); !opened) {
      return opened.error();
    }
  }
  const bool changed = Complete(now_ms, &*keys) || !present;
  if (changed) {
    if (keys->root_ids().size() > 1) {
      return Error{ErrorCode::kUnavailable,
                   "the root key is being changed: finish that first (bulkhead keys retire root)"};
    }
    const SecretBytes* roots[] = {&root};
    if (const Result<void> written = keys->Write(fs, dir, roots); !written) {
      return written.error();
    }
  }
  if (version_1) {  // from now on, or since a call that a crash cut off, the new file has them
    if (const Result<void> removed = RemoveVersion1Keys(fs, dir); !removed) {
      return removed.error();
    }
  }
  return changed || version_1;
}

Result<SecretBytes> OpenKeyBundle(FileSystem& fs, const std::string& dir, Compartment compartment,
                                  const SecretBytes& root, std::span<const VaultShare> shares) {
  Result<KeyFile> keys = KeyFile::Read(fs, dir, root);
  if (!keys) {
    return keys.error().code == ErrorCode::kNotFound && HasVersion1Keys(fs, dir)
               ? Error{ErrorCode::kInvalid,
                       dir +
                           " has the key files of an older program: `bulkhead serve` or "
                           "`bulkhead keys upgrade` brings them up to date"}
               : keys.error();
  }
  const KeyScope scope = ScopeOf(compartment);
  std::vector<KeyEntry> entries;
  const auto take = [&](const std::vector<KeyEntry>& from) {
    for (const KeyEntry& entry : from) {
      if (ScopeHas(scope, entry.purpose)) {
        entries.push_back(CopyKey(entry));
      }
      if (scope == KeyScope::kIntake && entry.purpose == KeyPurpose::kCoreLog) {
        entries.push_back(PublicHalf(entry, KeyPurpose::kCoreLogPublic));
      }
    }
  };
  take(keys->main());
  if (compartment == Compartment::kVault) {
    if (const Result<void> opened = keys->OpenVault(shares); !opened) {
      return opened.error();
    }
    take(keys->vault());
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const KeyEntry& a, const KeyEntry& b) { return a.purpose < b.purpose; });
  return EncodeKeyBundle(scope, entries);
}

Result<IntakeKeys> ParseIntakeKeys(const SecretBytes& bundle) {
  using enum KeyPurpose;
  const Result<Entries> entries = DecodeWith(KeyScope::kIntake, bundle,
                                             {kPseudonym, kInsertId, kToken, kCatalogue,
                                              kCoreLogPublic, kVaultSealPublic, kVaultLogPublic});
  if (!entries) {
    return entries.error();
  }
  IntakeKeys keys;
  keys.pseudonym_key = NewestBytes(*entries, kPseudonym);
  keys.insert_id_key = NewestBytes(*entries, kInsertId);
  keys.old_insert_id_keys = OldInsertIdKeys(*entries);
  keys.token_key = NewestBytes(*entries, kToken);
  keys.vault_public_key = PublicBytes(*NewestKey(*entries, kVaultSealPublic));
  keys.log_recipients = {PublicBytes(*NewestKey(*entries, kCoreLogPublic)),
                         PublicBytes(*NewestKey(*entries, kVaultLogPublic))};
  keys.catalogue_key = NewestBytes(*entries, kCatalogue);
  keys.catalogue_keys = RingOf(*entries, kCatalogue);
  return keys;
}

Result<CoreKeys> ParseCoreKeys(const SecretBytes& bundle) {
  using enum KeyPurpose;
  const Result<Entries> entries =
      DecodeWith(KeyScope::kCore, bundle, {kStore, kCatalogue, kSession, kCoreLog});
  if (!entries) {
    return entries.error();
  }
  CoreKeys keys;
  keys.store_keys = RingOf(*entries, kStore);
  keys.log_keys = PairsOf(*entries, kCoreLog);
  keys.catalogue_key = NewestBytes(*entries, kCatalogue);
  keys.catalogue_keys = RingOf(*entries, kCatalogue);
  keys.session_key = NewestBytes(*entries, kSession);
  return keys;
}

Result<VaultKeys> ParseVaultKeys(const SecretBytes& bundle) {
  using enum KeyPurpose;
  const Result<Entries> entries = DecodeWith(
      KeyScope::kVault, bundle, {kPseudonym, kVaultSeal, kVaultLog, kSubjectWrap, kBlindIndex});
  if (!entries) {
    return entries.error();
  }
  VaultKeys keys;
  keys.seal_keys = PairsOf(*entries, kVaultSeal);
  keys.log_keys = PairsOf(*entries, kVaultLog);
  keys.subject_wrap_keys = RingOf(*entries, kSubjectWrap);
  keys.blind_index_keys = RingOf(*entries, kBlindIndex);
  keys.pseudonym_key = NewestBytes(*entries, kPseudonym);
  return keys;
}

Result<AuditKeys> ParseAuditKeys(const SecretBytes& bundle) {
  using enum KeyPurpose;
  const Result<Entries> entries =
      DecodeWith(KeyScope::kAudit, bundle, {kAuditSigning, kAuditPayload});
  if (!entries) {
    return entries.error();
  }
  AuditKeys keys;
  keys.signing_seed = NewestBytes(*entries, kAuditSigning);
  keys.signing_seeds = RingOf(*entries, kAuditSigning);
  keys.payload_key = NewestBytes(*entries, kAuditPayload);
  keys.payload_keys = RingOf(*entries, kAuditPayload);
  return keys;
}

Result<EgressKeys> ParseEgressKeys(const SecretBytes& bundle) {
  using enum KeyPurpose;
  const Result<Entries> entries =
      DecodeWith(KeyScope::kEgress, bundle,
                 {kWebhook, kVendor, kNoticeCode, kNoticeSigning, kDkimEd25519, kDkimRsa});
  if (!entries) {
    return entries.error();
  }
  EgressKeys keys;
  keys.webhook_key = NewestBytes(*entries, kWebhook);
  keys.vendor_keys = RingOf(*entries, kVendor);
  keys.notice_code_keys = RingOf(*entries, kNoticeCode);
  keys.notice_signing_seeds = RingOf(*entries, kNoticeSigning);
  keys.dkim_ed25519_seeds = RingOf(*entries, kDkimEd25519);
  for (const KeyEntry& entry : *entries) {
    if (entry.purpose == kDkimRsa) {
      keys.dkim_rsa_keys.push_back({entry.id, SecretBytes(entry.bytes.view())});
    }
  }
  return keys;
}

namespace {

template <typename Parse>
auto OpenAndParse(const Result<SecretBytes>& bundle, Parse parse) -> decltype(parse(*bundle)) {
  if (!bundle) {
    return bundle.error();
  }
  return parse(*bundle);
}

template <typename Load>
auto WithRootIn(FileSystem& fs, const std::string& dir, Load load)
    -> decltype(load(std::declval<const SecretBytes&>())) {
  const Result<RootKeySource> source = FindRootKey({}, dir);
  if (!source) {
    return source.error();
  }
  const Result<SecretBytes> root = LoadRootKey(fs, *source);
  if (!root) {
    return root.error();
  }
  return load(*root);
}

}  // namespace

Result<IntakeKeys> LoadIntakeKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root) {
  return OpenAndParse(OpenKeyBundle(fs, dir, Compartment::kIntake, root), ParseIntakeKeys);
}
Result<CoreKeys> LoadCoreKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root) {
  return OpenAndParse(OpenKeyBundle(fs, dir, Compartment::kCore, root), ParseCoreKeys);
}
Result<VaultKeys> LoadVaultKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root,
                                std::span<const VaultShare> shares) {
  return OpenAndParse(OpenKeyBundle(fs, dir, Compartment::kVault, root, shares), ParseVaultKeys);
}
Result<AuditKeys> LoadAuditKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root) {
  return OpenAndParse(OpenKeyBundle(fs, dir, Compartment::kAudit, root), ParseAuditKeys);
}
Result<EgressKeys> LoadEgressKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root) {
  return OpenAndParse(OpenKeyBundle(fs, dir, Compartment::kEgress, root), ParseEgressKeys);
}

Result<IntakeKeys> LoadIntakeKeys(FileSystem& fs, const std::string& dir) {
  return WithRootIn(fs, dir,
                    [&](const SecretBytes& root) { return LoadIntakeKeys(fs, dir, root); });
}
Result<CoreKeys> LoadCoreKeys(FileSystem& fs, const std::string& dir) {
  return WithRootIn(fs, dir, [&](const SecretBytes& root) { return LoadCoreKeys(fs, dir, root); });
}
Result<VaultKeys> LoadVaultKeys(FileSystem& fs, const std::string& dir) {
  return WithRootIn(fs, dir, [&](const SecretBytes& root) { return LoadVaultKeys(fs, dir, root); });
}
Result<AuditKeys> LoadAuditKeys(FileSystem& fs, const std::string& dir) {
  return WithRootIn(fs, dir, [&](const SecretBytes& root) { return LoadAuditKeys(fs, dir, root); });
}
Result<EgressKeys> LoadEgressKeys(FileSystem& fs, const std::string& dir) {
  return WithRootIn(fs, dir,
                    [&](const SecretBytes& root) { return LoadEgressKeys(fs, dir, root); });
}

}  // namespace bulkhead
