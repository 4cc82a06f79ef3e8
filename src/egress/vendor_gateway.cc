#include "egress/vendor_gateway.h"

#include <fmt/format.h>

#include <utility>

#include "egress/saved_position.h"

namespace bulkhead {
namespace {

constexpr std::chrono::milliseconds kPullEvery{100};
constexpr int64_t kLookEveryMs = 500;

}  // namespace

VendorGateway::VendorGateway(Parts parts)
    : parts_(std::move(parts)), policy_(parts_.fs, parts_.policy_versions_dir) {}

Result<std::unique_ptr<VendorGateway>> VendorGateway::Open(Parts parts) {
  std::unique_ptr<VendorGateway> gateway(new VendorGateway(std::move(parts)));
  if (Result<void> made = gateway->parts_.fs->CreateDirs(gateway->parts_.dir + "/vendors"); !made) {
    return made.error();
  }
  const Result<uint64_t> fed = gateway->Load("fed");
  if (!fed) {
    return fed.error();
  }
  gateway->position_ = gateway->saved_position_ = *fed;
  gateway->FollowPolicy();
  return gateway;
}

VendorGateway::~VendorGateway() {
  stop_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
}

// A number that was saved; 0: none was.
Result<uint64_t> VendorGateway::Load(const std::string& name) const {
  const std::string path = parts_.dir + "/vendors/" + name;
  if (!parts_.fs->Exists(path)) {
    return uint64_t{0};
  }
  const Result<std::string> bytes = parts_.fs->ReadWhole(path);
  if (!bytes) {
    return bytes.error();
  }
  const std::optional<uint64_t> number = DecodePosition(*bytes);
  return number ? Result<uint64_t>(*number) : Error{ErrorCode::kCorruption, path + " is damaged"};
}

Result<void> VendorGateway::Forget(const std::vector<SubjectId>& subjects) {
  std::map<std::string, std::shared_ptr<VendorSender>> senders;
  {
    const std::lock_guard lock(mutex_);
    senders = senders_;
  }
  Result<void> done = parts_.ledger->Forget(subjects);
  for (const auto& [name, sender] : senders) {
    if (done) {
      done = sender->Forget(subjects);
    }
  }
  return done;
}

Result<uint64_t> VendorGateway::Forgotten() const { return Load("forgotten"); }

Result<void> VendorGateway::SetForgotten(uint64_t erasures) {
  return parts_.fs->WriteFileAtomically(parts_.dir + "/vendors/forgotten",
                                        EncodePosition(erasures));
}

Result<void> VendorGateway::SavePosition(uint64_t position) {
  if (position == saved_position_) {
    return {};
  }
  Result<void> saved =
      parts_.fs->WriteFileAtomically(parts_.dir + "/vendors/fed", EncodePosition(position));
  if (saved) {
    saved_position_ = position;
  }
  return saved;
}

void VendorGateway::FollowPolicy() {
  const Result<bool> changed = policy_.Look();
  if (!changed) {
    SetTrouble("the policy in force cannot be read; the one before holds: " +
               changed.error().message);
    return;
  }
  if (*changed) {
    Take(policy_.policy().vendors);
  }
  std::map<std::string, std::shared_ptr<VendorSender>> senders;
  {
    const std::lock_guard lock(mutex_);
    senders = senders_;
  }
  for (const auto& [name, sender] : senders) {
    if (const Result<void> kept = sender->KeepEpochs(); !kept && parts_.log) {
      parts_.log(fmt::format("vendor {}: {}", name, kept.error().message));
    }
  }
}

void VendorGateway::Take(const VendorPolicies& policies) {
  std::map<std::string, std::shared_ptr<VendorSender>> gone;  // ended outside of the lock
  const std::lock_guard lock(mutex_);
  policies_ = policies;
  troubles_.clear();
  gone.swap(senders_);
  for (const auto& [name, policy] : policies) {
    if (const auto known = gone.find(name); known != gone.end()) {
      known->second->Follow(policy);
      senders_.insert(gone.extract(known));
      continue;
    }
    VendorSender::Parts parts{
        parts_.fs,   parts_.clock,  name,        parts_.dir + "/vendors/" + name,
        parts_.keys, parts_.ledger, parts_.post, parts_.reveal,
        parts_.log};
    Result<std::unique_ptr<VendorSender>> sender = VendorSender::Open(std::move(parts), policy);
    if (sender) {
      (*sender)->Start();
      senders_[name] = *std::move(sender);
    } else {
      troubles_[name] = sender.error().message;
      if (parts_.log) {
        parts_.log(fmt::format("vendor {} cannot be opened: {}", name, sender.error().message));
      }
    }
  }
}

// A queue that is full loses what it cannot take, which is counted; a disk that fails loses
// nothing.
Result<void> VendorGateway::Feed(const VendorFeedEntry& entry) {
  const std::shared_ptr<VendorSender> sender = Find(entry.vendor);
  const Result<void> fed =
      sender == nullptr ? Result<void>() : sender->Feed(entry.log_position, entry.filtered);
  return fed || fed.error().code == ErrorCode::kLimit ? Result<void>() : fed;
}

Result<bool> VendorGateway::PullOnce() {
  const Result<VendorFeedPage> page = parts_.pull(position_);
  if (!page) {
    return page.error();
  }
  gaps_ += page->gap ? 1 : 0;
  for (const VendorFeedEntry& entry : page->entries) {
    if (Result<void> fed = Feed(entry); !fed) {
      return fed.error();
    }
  }
  // A crash before this feeds them once more, under the same ids.
  if (Result<void> saved = SavePosition(page->next_position); !saved) {
    return saved.error();
  }
  position_ = page->next_position;
  parts_.fed_to(position_);
  return page->more;
}

bool VendorGateway::Step() {
  const int64_t now = parts_.clock->NowMs();
  if (now - looked_ms_ >= kLookEveryMs || now < looked_ms_) {
    looked_ms_ = now;
    FollowPolicy();
  }
  if (policies().empty()) {
    position_ = 0;  // a vendor that comes later begins with what comes then
    const Result<void> saved = SavePosition(0);
    parts_.fed_to(std::nullopt);
    SetTrouble(saved ? "" : saved.error().message);
    return false;
  }
  const Result<bool> more = PullOnce();
  SetTrouble(more ? "" : more.error().message);
  return more && *more;
}

void VendorGateway::Start() {
  thread_ = std::thread([this] { Run(); });
}

void VendorGateway::Run() {
  while (!stop_) {
    if (!Step()) {
      std::this_thread::sleep_for(kPullEvery);
    }
  }
}

std::shared_ptr<VendorSender> VendorGateway::Find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = senders_.find(name);
  return found == senders_.end() ? nullptr : found->second;
}

std::vector<VendorStatus> VendorGateway::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<VendorStatus> list;
  for (const auto& [name, sender] : senders_) {
    list.push_back(sender->status());
  }
  for (const auto& [name, trouble] : troubles_) {
    VendorStatus& status = list.emplace_back();
    status.name = name;
    status.trouble = trouble;
  }
  return list;
}

VendorPolicies VendorGateway::policies() const {
  const std::lock_guard lock(mutex_);
  return policies_;
}

std::string VendorGateway::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void VendorGateway::SetTrouble(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (text != trouble_ && !text.empty() && parts_.log) {
    parts_.log("vendors: " + text);
  }
  trouble_ = text;
}

}  // namespace bulkhead
