#include "crypto/key_rotation.h"

#include <algorithm>
#include <utility>

#include "crypto/key_file.h"

namespace bulkhead {
namespace {

// No event is logged with a time ahead of its arrival. An intake that runs goes on with the old key
// until it is given the new one; by the time that rules for the new one it must have it, or what it
// logs in between would not be told when it is sent again.
constexpr int64_t kInsertIdLeadMs = 2LL * 3600 * 1000;

using enum KeyPurpose;
using enum Compartment;

const std::vector<KeyChange> kChanges = {
    {"store",
     {kStore},
     {kCore},
     true,
     false,
     "segments that are written from now on use the new key; merges and re-wrapping move older "
     "ones over"},
    {"log",
     {kCoreLog, kVaultLog},
     {kCore, kVault, kIntake},
     true,
     false,
     "log files that are begun from now on are for the new keys; older files keep theirs until "
     "they are trimmed"},
    {"vault-seal",
     {kVaultSeal},
     {kVault, kIntake},
     true,
     false,
     "identities that arrive from now on are sealed to the new key; boxes in older log files "
     "need "
     "the old one"},
    {"subject-wrap",
     {kSubjectWrap},
     {kVault},
     true,
     false,
     "the vault wraps every subject's key anew; the old key is needed until that is done"},
    {"blind-index",
     {kBlindIndex},
     {kVault},
     true,
     false,
     "the vault indexes every address anew; the old key is needed until that is done"},
    {"vendor",
     {kVendor},
     {kEgress},
     true,
     false,
     "egress wraps its vendors' keys and credentials and the ledger anew at its start"},
    {"token",
     {kToken},
     {kIntake},
     false,
     true,
     "the same value gets another token from now on: breakdowns and filters by tokens see two "
     "values where there is one, and nothing joins them again"},
    {"insert-id",
     {kInsertId},
     {kIntake},
     true,
     false,
     "events of two hours from now and later use the new key, earlier ones go on with the old "
     "one, so "
     "that an event that is sent again is still found to be the same; without the old key it is "
     "not: keep it for as long as events of its time may be sent or imported again"},
    {"catalogue",
     {kCatalogue},
     {kCore, kIntake},
     true,
     false,
     "the catalogue is encrypted anew; the old key is needed until that is done"},
    {"session", {kSession}, {kCore}, false, false, "everybody who is signed in must sign in again"},
    {"audit",
     {kAuditSigning},
     {kAudit},
     true,
     false,
     "checkpoints are signed with the new key; the log holds an entry in which the old key names "
     "the new one, and verifiers need the new public key"},
    {"audit-payload",
     {kAuditPayload},
     {kAudit},
     true,
     false,
     "result sets that are kept from now on use the new key; older ones need theirs"},
    {"webhook",
     {kWebhook},
     {kEgress},
     false,
     false,
     "receivers of alerts must be given the new key"},
    {"notice-code",
     {kNoticeCode},
     {kEgress},
     true,
     false,
     "codes of notices that are sent from now on are of the new key; without the old one, the page "
     "says no to every notice that was sent under it: keep it for as long as anybody may ask"},
    {"notice-signing",
     {kNoticeSigning},
     {kEgress},
     true,
     false,
     "answers of the page where notices are checked are signed with the new key; the page shows "
     "the old public key until the old key is destroyed"},
    {"dkim",
     {kDkimEd25519, kDkimRsa},
     {kEgress},
     true,
     false,
     "mails are signed with the new keys once policy/notice.toml names them (dkim.key): publish "
     "their records under other selectors first (bulkhead incident dkim)"},
    {"pseudonym",
     {},
     {},
     true,
     true,
     "every person would get another pseudonym and be two people in every report, in the vault "
     "and in erasures: events under the old pseudonym would never again be found by the id. The "
     "store can join a device to a user but not a user to a user, so that nothing could mend it. "
     "If this key was stolen, pseudonyms stolen with it can be tested against guessed ids; a new "
     "key changes nothing about that. To begin anew, begin a new data directory"},
};
KeyFact FactOf(const KeyEntry& entry) {
  KeyFact fact{entry.purpose, entry.state, entry.id, entry.from_ms, {}};
  if (entry.bytes.size() == 2 * kKeyBytes) {
    std::copy_n(entry.bytes.data(), kKeyBytes, fact.public_key.begin());
  }
  return fact;
}

bool InVaultPart(KeyPurpose purpose) { return ScopeHas(KeyScope::kFileVault, purpose); }

bool NeedsVault(const KeyChange& change) {
  return std::any_of(change.purposes.begin(), change.purposes.end(), InVaultPart);
}

std::vector<KeyEntry>& PartOf(KeyFile* file, KeyPurpose purpose) {
  return InVaultPart(purpose) ? file->vault() : file->main();
}

Result<KeyFile> Open(const KeyAccess& access, bool with_vault) {
  Result<KeyFile> file = KeyFile::Read(*access.fs, access.dir, *access.root);
  if (file && with_vault) {
    if (const Result<void> opened = file->OpenVault(access.shares); !opened) {
      return opened.error();
    }
  }
  return file;
}

// To be written again under one root key.
Result<KeyFile> OpenToChange(const KeyAccess& access, bool with_vault) {
  Result<KeyFile> file = Open(access, with_vault);
  if (file && file->root_ids().size() > 1) {
    return Error{
        ErrorCode::kUnavailable,
        "the root key is being changed: finish that first (bulkhead keys retire DIR root)"};
  }
  return file;
}

Result<void> WriteFor(const KeyAccess& access, const KeyFile& file) {
  const SecretBytes* roots[] = {access.root};
  return file.Write(*access.fs, access.dir, roots);
}

KeyFact AddNew(KeyPurpose purpose, const KeyAccess& access, bool keeps_old, KeyFile* file) {
  std::vector<KeyEntry>& part = PartOf(file, purpose);
  const KeyEntry* newest = NewestKey(part, purpose);
  const uint32_t id = newest == nullptr ? 1 : newest->id + 1;
  int64_t from_ms = access.now_ms;
  if (purpose == KeyPurpose::kInsertId) {
    from_ms = std::max(from_ms + kInsertIdLeadMs, newest == nullptr ? 0 : newest->from_ms);
  }
  if (!keeps_old) {
    std::erase_if(part, [purpose](const KeyEntry& entry) { return entry.purpose == purpose; });
  }
  AddNewestKey(&part, GenerateKey(purpose, id, from_ms));
  if (InVaultPart(purpose)) {
    file->CopyPublicHalves();
  }
  return FactOf(*NewestKey(part, purpose));
}

}  // namespace

const std::vector<KeyChange>& KeyChanges() { return kChanges; }

const KeyChange* FindKeyChange(std::string_view name) {
  const auto found = std::find_if(KeyChanges().begin(), KeyChanges().end(),
                                  [name](const KeyChange& change) { return change.name == name; });
  return found == KeyChanges().end() ? nullptr : &*found;
}

Result<KeyStatus> ReadKeyStatus(const KeyAccess& access) {
  Result<KeyFile> file = Open(access, !access.shares.empty());
  if (!file) {
    return file.error();
  }
  KeyStatus status;
  status.root_keys = file->root_ids().size();
  status.vault_split = file->split();
  status.vault_open = file->vault_open();
  const auto take = [&](const std::vector<KeyEntry>& part) {
    for (const KeyEntry& entry : part) {
      if (!IsPublicHalf(entry.purpose)) {
        status.keys.push_back(FactOf(entry));
      }
    }
  };
  take(file->main());
  if (file->vault_open()) {
    take(file->vault());
  }
  return status;
}

Result<std::vector<KeyFact>> RotateKey(const KeyAccess& access, const KeyChange& change) {
  if (change.purposes.empty()) {
    return Error{ErrorCode::kInvalid, "the " + std::string(change.name) +
                                          " key is not changed: " + std::string(change.meaning)};
  }
  Result<KeyFile> file = OpenToChange(access, NeedsVault(change));
  if (!file) {
    return file.error();
  }
  std::vector<KeyFact> made;
  for (const KeyPurpose purpose : change.purposes) {
    made.push_back(AddNew(purpose, access, change.keeps_old, &*file));
  }
  if (const Result<void> written = WriteFor(access, *file); !written) {
    return written.error();
  }
  return made;
}

Result<std::vector<KeyFact>> RetireKeys(const KeyAccess& access, const KeyChange& change,
                                        const KeyStillNeeded& still_needed) {
  Result<KeyFile> file = OpenToChange(access, NeedsVault(change));
  if (!file) {
    return file.error();
  }
  std::vector<KeyFact> retired;
  for (const KeyPurpose purpose : change.purposes) {
    for (const KeyEntry& entry : PartOf(&*file, purpose)) {
      if (entry.purpose != purpose || entry.state != KeyState::kOld) {
        continue;
      }
      const Result<bool> needed = still_needed(FactOf(entry));
      if (!needed) {
        return needed.error();
      }
      if (*needed) {
        return Error{ErrorCode::kInvalid, "key " + std::to_string(entry.id) + " of " +
                                              std::string(KeyPurposeName(purpose)) +
                                              " is still needed by data; nothing was destroyed"};
      }
      retired.push_back(FactOf(entry));
    }
  }
  if (retired.empty()) {
    return retired;
  }
  for (const KeyPurpose purpose : change.purposes) {
    std::erase_if(PartOf(&*file, purpose), [purpose](const KeyEntry& entry) {
      return entry.purpose == purpose && entry.state == KeyState::kOld;
    });
  }
  if (const Result<void> written = WriteFor(access, *file); !written) {
    return written.error();
  }
  return retired;
}

Result<void> BeginRootChange(const KeyAccess& access, const SecretBytes& new_root) {
  if (RootKeyIdOf(new_root) == RootKeyIdOf(*access.root)) {
    return Error{ErrorCode::kInvalid, "the new root key is the present one"};
  }
  const Result<KeyFile> file = Open(access, false);
  if (!file) {
    return file.error();
  }
  const SecretBytes* roots[] = {access.root, &new_root};
  return file->Write(*access.fs, access.dir, roots);
}

Result<void> FinishRootChange(const KeyAccess& access) {
  const Result<KeyFile> file = Open(access, false);
  if (!file) {
    return file.error();
  }
  if (file->root_ids().size() == 1) {
    return {};
  }
  if (file->root_ids().back() != RootKeyIdOf(*access.root)) {
    return Error{ErrorCode::kInvalid,
                 "this is the old root key: give the new one, to show that it is at hand"};
  }
  return WriteFor(access, *file);
}

Result<void> RotateRootInFile(const KeyAccess& access, const std::string& root_path) {
  const SecretBytes new_root = RandomSecret(kKeyBytes);
  const std::string next = root_path + ".next";
  Result<void> done = access.fs->WriteFileAtomically(next, FormatRootKey(new_root).view());
  if (done) {
    done = BeginRootChange(access, new_root);
  }
  if (done) {
    done = access.fs->Rename(next, root_path);
  }
  if (done) {
    const size_t slash = root_path.rfind('/');
    done = access.fs->SyncDir(slash == std::string::npos ? "." : root_path.substr(0, slash));
  }
  if (done) {
    KeyAccess with_new = access;
    with_new.root = &new_root;
    done = FinishRootChange(with_new);
  }
  return done;
}

Result<std::array<VaultShare, kVaultShareCount>> SplitVaultKeys(const KeyAccess& access) {
  Result<KeyFile> file = OpenToChange(access, true);
  if (!file) {
    return file.error();
  }
  NewVaultSplit made = SplitVaultRoot();
  file->SetSplit(made.split, std::move(made.vault_root));
  if (const Result<void> written = WriteFor(access, *file); !written) {
    return written.error();
  }
  return std::move(made.shares);
}

Result<void> JoinVaultKeys(const KeyAccess& access) {
  Result<KeyFile> file = OpenToChange(access, true);
  if (!file) {
    return file.error();
  }
  file->RemoveSplit();
  return WriteFor(access, *file);
}

}  // namespace bulkhead
