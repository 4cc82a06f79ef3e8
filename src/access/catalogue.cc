#include "access/catalogue.h"

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "access/auth_throttle.h"
#include "access/timezone_name.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr size_t kTokenBytes = 16;  // as Mixpanel's tokens: 32 hexadecimal digits
constexpr size_t kNameBytes = 8;
constexpr size_t kSecretBytes = 24;  // 192 bit
constexpr size_t kMaxSecretBytes = 256;
constexpr size_t kMaxUsernameBytes = 128;
constexpr size_t kMaxProjectNameBytes = 255;
constexpr int64_t kReloadMs = 1000;
const Error kRefused{ErrorCode::kDenied, "wrong service account, secret or project"};

using Tag = std::array<uint8_t, 16>;

std::string_view View(const Tag& tag) {
  return {reinterpret_cast<const char*>(tag.data()), tag.size()};
}

struct Account {
  ProjectId project;
  std::string hash;
  std::optional<Tag> verified;  // keyed hash of the secret that the Argon2id hash has accepted
};

}  // namespace

class Catalogue::Impl {
 public:
  Impl(CatalogueStore store, const Clock& clock)
      : store_(std::move(store)),
        clock_(clock),
        secret_tags_(RandomSecret(kKeyBytes)),
        throttle_(RandomSecret(kKeyBytes)) {}

  Result<void> Load() {
    const std::lock_guard database_lock(database_mutex_);
    return LoadLocked();
  }

  // Another process's commit is looked for at most once a second, by whoever asks then.
  void Refresh() {
    const int64_t now = clock_.NowMs();
    int64_t checked = checked_ms_.load(std::memory_order_relaxed);
    if (now - checked < kReloadMs && now >= checked) {
      return;
    }
    if (!checked_ms_.compare_exchange_strong(checked, now)) {
      return;
    }
    const std::lock_guard database_lock(database_mutex_);
    const Result<bool> changed = store_.Refresh();
    Result<void> loaded = changed ? Result<void>() : Result<void>(changed.error());
    if (changed && *changed) {
      loaded = LoadLocked();
    }
    // What is in memory stays where the file cannot be read now; the next second tries again.
    const std::unique_lock lock(mutex_);
    trouble_ = loaded ? std::string() : loaded.error().message;
  }

  std::string trouble() const {
    const std::shared_lock lock(mutex_);
    return trouble_;
  }

  Result<Project> CreateProject(std::string_view name, std::string_view timezone) {
    if (name.empty() || name.size() > kMaxProjectNameBytes) {
      return Error{ErrorCode::kInvalid, "a project's name has 1 to 255 bytes"};
    }
    if (!IsTimezoneName(timezone)) {
      return Error{ErrorCode::kInvalid, "not a time zone of the IANA database"};
    }
    const std::string token = RandomHex(kTokenBytes);
    uint32_t id = 0;
    const Result<void> changed = Change([&](CatalogueDatabase& database) -> Result<void> {
      const Result<uint32_t> inserted = database.InsertProject(name, timezone, token);
      if (!inserted) {
        return inserted.error();
      }
      id = *inserted;
      return {};
    });
    if (!changed) {
      return changed.error();
    }
    return Project{ProjectId{id}, std::string(name), std::string(timezone), token};
  }

  std::optional<Project> FindProjectByToken(std::string_view token) const {
    const std::shared_lock lock(mutex_);
    const auto found = projects_by_token_.find(token);
    return found == projects_by_token_.end() ? std::nullopt : std::optional(found->second);
  }

  std::optional<Project> GetProject(ProjectId id) const {
    const std::shared_lock lock(mutex_);
    for (const Project& project : projects_) {
      if (project.id == id) {
        return project;
      }
    }
    return std::nullopt;
  }

  std::vector<Project> ListProjects() const {
    const std::shared_lock lock(mutex_);
    return projects_;
  }

  Result<NewServiceAccount> CreateServiceAccount(ProjectId project) {
    if (!GetProject(project)) {
      return Error{ErrorCode::kNotFound, "no such project"};
    }
    NewServiceAccount account{"bulkhead." + RandomHex(kNameBytes) + ".mp-service-account",
                              RandomHex(kSecretBytes)};
    const Result<std::string> hash = HashPassword(account.secret);
    if (!hash) {
      return hash.error();
    }
    const Result<void> inserted = Change([&](CatalogueDatabase& database) {
      return database.InsertAccount(account.username, project.value, *hash);
    });
    if (!inserted) {
      return inserted.error();
    }
    return account;
  }

  Result<void> RemoveServiceAccount(std::string_view username) {
    return Change([&](CatalogueDatabase& database) -> Result<void> {
      const Result<bool> removed = database.RemoveAccount(username);
      if (!removed) {
        return removed.error();
      }
      if (!*removed) {
        return Error{ErrorCode::kNotFound, "no such service account"};
      }
      return {};
    });
  }

  Result<ProjectId> Verify(std::string_view username, std::string_view secret,
                           std::optional<ProjectId> project) {
    if (username.size() > kMaxUsernameBytes || secret.size() > kMaxSecretBytes) {
      return kRefused;
    }
    const std::optional<Account> account = FindAccount(username);
    if (!account) {
      // At once, without an Argon2id hash: names are 64 random bits, so that there is nothing to
      // enumerate by time, and made-up names cannot keep the processors busy.
      return kRefused;
    }
    Tag tag;
    secret_tags_.Digest128(secret, tag.data());
    const bool known = account->verified && ConstantTimeEqual(View(*account->verified), View(tag));
    if (!known) {
      if (Result<void> verified = VerifySlowly(username, secret, *account, tag); !verified) {
        return verified.error();
      }
    }
    if (project && *project != account->project) {
      return kRefused;
    }
    return account->project;
  }

 private:
  Result<void> Change(const std::function<Result<void>(CatalogueDatabase&)>& change) {
    const std::lock_guard database_lock(database_mutex_);
    const Result<void> changed = store_.Change(change);
    const Result<void> loaded = LoadLocked();  // others' changes too, where this one failed
    return changed ? loaded : changed;
  }

  std::optional<Account> FindAccount(std::string_view username) const {
    const std::shared_lock lock(mutex_);
    const auto found = accounts_.find(username);
    return found == accounts_.end() ? std::nullopt : std::optional(found->second);
  }

  // One at a time: 64 MiB and tens of milliseconds each, and this is what a guesser makes us do.
  Result<void> VerifySlowly(std::string_view username, std::string_view secret,
                            const Account& account, const Tag& tag) {
    const std::lock_guard slow(slow_mutex_);
    const std::optional<Account> now =
        FindAccount(username);  // another request may have done the work meanwhile
    if (now && now->hash == account.hash && now->verified &&
        ConstantTimeEqual(View(*now->verified), View(tag))) {
      return {};
    }
    if (!throttle_.MayTry(username, clock_.NowMs())) {
      return Error{ErrorCode::kLimit, "too many failed attempts for this service account"};
    }
    if (!VerifyPassword(account.hash, secret)) {
      throttle_.NoteFailure(username, clock_.NowMs());
      return kRefused;
    }
    throttle_.NoteSuccess(username);
    const std::unique_lock lock(mutex_);
    const auto found = accounts_.find(username);
    if (found != accounts_.end() && found->second.hash == account.hash) {
      found->second.verified = tag;
    }
    return {};
  }

  Result<void> LoadLocked() {
    Result<std::vector<CatalogueProjectRow>> projects = store_.database().Projects();
    if (!projects) {
      return projects.error();
    }
    Result<std::vector<CatalogueAccountRow>> accounts = store_.database().Accounts();
    if (!accounts) {
      return accounts.error();
    }
    const std::unique_lock lock(mutex_);
    projects_.clear();
    projects_by_token_.clear();
    for (CatalogueProjectRow& row : *projects) {
      projects_.push_back(
          {ProjectId{row.id}, std::move(row.name), std::move(row.timezone), std::move(row.token)});
      projects_by_token_.emplace(projects_.back().token, projects_.back());
    }
    std::map<std::string, Account, std::less<>> fresh;
    for (CatalogueAccountRow& row : *accounts) {
      Account account{ProjectId{row.project}, std::move(row.hash), std::nullopt};
      const auto old = accounts_.find(row.username);
      if (old != accounts_.end() && old->second.hash == account.hash) {
        account.verified = old->second.verified;
      }
      fresh.emplace(std::move(row.username), std::move(account));
    }
    accounts_ = std::move(fresh);
    return {};
  }

  std::mutex database_mutex_;  // taken before mutex_
  CatalogueStore store_;
  std::atomic<int64_t> checked_ms_ = 0;
  const Clock& clock_;
  const KeyedHash secret_tags_;

  std::mutex slow_mutex_;  // taken before mutex_
  AuthThrottle throttle_;

  mutable std::shared_mutex mutex_;
  std::string trouble_;
  std::vector<Project> projects_;
  std::map<std::string, Project, std::less<>> projects_by_token_;
  std::map<std::string, Account, std::less<>> accounts_;
};

Result<std::unique_ptr<Catalogue>> Catalogue::Open(FileSystem& fs, const std::string& path,
                                                   const KeyRing& keys, CatalogueMode mode,
                                                   const Clock& clock) {
  Result<CatalogueStore> store = CatalogueStore::Open(fs, path, keys, mode);
  if (!store) {
    return store.error();
  }
  auto impl = std::make_unique<Impl>(*std::move(store), clock);
  if (Result<void> loaded = impl->Load(); !loaded) {
    return loaded.error();
  }
  return std::unique_ptr<Catalogue>(new Catalogue(std::move(impl)));
}

Catalogue::Catalogue(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Catalogue::~Catalogue() = default;

Result<Project> Catalogue::CreateProject(std::string_view name, std::string_view timezone) {
  return impl_->CreateProject(name, timezone);
}
std::optional<Project> Catalogue::FindProjectByToken(std::string_view token) const {
  impl_->Refresh();
  return impl_->FindProjectByToken(token);
}
std::optional<Project> Catalogue::GetProject(ProjectId id) const {
  impl_->Refresh();
  return impl_->GetProject(id);
}
std::vector<Project> Catalogue::ListProjects() const {
  impl_->Refresh();
  return impl_->ListProjects();
}
Result<NewServiceAccount> Catalogue::CreateServiceAccount(ProjectId project) {
  return impl_->CreateServiceAccount(project);
}
Result<void> Catalogue::RemoveServiceAccount(std::string_view username) {
  return impl_->RemoveServiceAccount(username);
}
Result<ProjectId> Catalogue::VerifyServiceAccount(std::string_view username,
                                                  std::string_view secret,
                                                  std::optional<ProjectId> project) const {
  impl_->Refresh();
  return impl_->Verify(username, secret, project);
}

std::string Catalogue::trouble() const {
  impl_->Refresh();
  return impl_->trouble();
}

}  // namespace bulkhead
