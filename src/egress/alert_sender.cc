#include "egress/alert_sender.h"

#include <fmt/format.h>

#include <algorithm>

#include "egress/message_json.h"
#include "egress/standard_webhook.h"

namespace bulkhead {
namespace {

// After the first failure; doubled with each one more.
constexpr int64_t kFirstPauseMs = 5000;
constexpr int64_t kLongestPauseMs = 30 * 60 * 1000;

std::string Joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text.append(part).append(1, '\0');
  return text;
}

std::string RouteKey(ProjectId project, const AlertRoute& route) {
  return Joined({std::to_string(project.value), route.team, route.url, route.library});
}

bool Concerns(const AlertRoute& route, const FirstHit& hit) {
  return MatchesGlob(route.library, hit.library) &&
         (!route.only_secrets || hit.action == Action::kRedact);
}

std::string BodyOf(ProjectId project, const AlertRoute& route, const std::vector<FirstHit>& hits,
                   int64_t now_ms) {
  std::string json =
      fmt::format(R"({{"type":"sieve.first_hit","timestamp":{},"data":{{"project":{})",
                  now_ms / 1000, project.value);
  AppendMember("team", route.team, &json);
  json += ",\"hits\":[";
  for (const FirstHit& hit : hits) {
    json += json.ends_with('[') ? "{" : ",{";
    AppendMember("rule", hit.rule, &json);
    AppendMember("path", hit.path, &json);
    AppendMember("library", hit.library, &json);
    AppendMember("action", ActionName(hit.action), &json);
    json += fmt::format(",\"first_seen\":{}}}", hit.time_ms / 1000);
  }
  return json + "]}}";
}

std::string MessageId(const std::set<ToldFile::Digest>& digests) {
  std::string all;
  for (const ToldFile::Digest& digest : digests) {
    all.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  return WebhookId(all);
}

}  // namespace

SecretBytes WebhookSecret(const SecretBytes& webhook_key, std::string_view name) {
  return DeriveKey(webhook_key, "webhook secret " + std::string(name));
}

AlertSender::AlertSender(Parts parts)
    : parts_(std::move(parts)), policy_(parts_.fs, parts_.policy_versions_dir) {}

Result<std::unique_ptr<AlertSender>> AlertSender::Open(Parts parts) {
  std::unique_ptr<AlertSender> sender(new AlertSender(std::move(parts)));
  const Parts& own = sender->parts_;
  Result<std::unique_ptr<ToldFile>> told =
      ToldFile::Open(own.fs, own.dir + "/told", DeriveKey(*own.webhook_key, "told"));
  if (!told) return told.error();
  sender->told_ = *std::move(told);
  return sender;
}

AlertSender::~AlertSender() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void AlertSender::Add(const std::vector<FirstHit>& hits) {
  {
    const std::lock_guard lock(mutex_);
    for (const FirstHit& hit : hits) {
      if (hits_.size() >= kMaxHits) break;
      hits_.try_emplace({hit.project, hit.rule, hit.path, hit.library}, hit);
    }
  }
  wake_.notify_all();
}

void AlertSender::CollectRoute(ProjectId project, const AlertRoute& route,
                               const std::vector<FirstHit>& hits, std::vector<Message>* due) {
  Message message{project, route, RouteKey(project, route), {}, {}};
  for (const FirstHit& hit : hits) {
    if (!Concerns(route, hit)) continue;
    const ToldFile::Digest digest =
        told_->Of(message.route_key + Joined({hit.rule, hit.path, hit.library}));
    wanted_.insert(digest);
    if (told_->Holds(digest)) continue;
    const std::lock_guard lock(mutex_);
    ++stats_.untold;
    if (message.hits.size() >= kMaxHitsInMessage) continue;
    message.hits.push_back(hit);
    message.digests.insert(digest);
  }
  const bool waits = parts_.clock->NowMs() < routes_[message.route_key].not_before_ms;
  if (!message.hits.empty() && !waits) due->push_back(std::move(message));
}

std::vector<AlertSender::Message> AlertSender::CollectDue() {
  const Result<bool> looked = policy_.Look();
  if (!looked && parts_.log)
    parts_.log("alerts go by the policy before: " + looked.error().message);
  std::map<ProjectId, std::vector<FirstHit>> by_project;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, hit] : hits_) by_project[hit.project].push_back(hit);
    stats_.untold = 0;
  }
  wanted_.clear();
  std::vector<Message> due;
  for (const auto& [project, hits] : by_project) {
    for (const AlertRoute& route : policy_.policy().Of(project).alerts) {
      CollectRoute(project, route, hits, &due);
    }
  }
  return due;
}

Result<void> AlertSender::Send(const Message& message) const {
  const int64_t now = parts_.clock->NowMs();
  const std::string body = BodyOf(message.project, message.route, message.hits, now);
  const SecretBytes secret = WebhookSecret(*parts_.webhook_key, message.route.secret);
  OutboundRequest request;
  request.url = message.route.url;
  request.body = body;
  request.allowed_internal = message.route.allow_addresses;
  request.headers = WebhookHeaders(secret, MessageId(message.digests), now, body);
  const Result<OutboundReply> reply = parts_.post(request);
  if (!reply) return reply.error();
  if (reply->status >= 200 && reply->status < 300) return {};
  return Error{ErrorCode::kUnavailable, fmt::format("the receiver answers {}", reply->status)};
}

void AlertSender::Note(const Message& message, const Result<void>& sent) {
  RouteState& state = routes_[message.route_key];
  Result<void> outcome = sent ? told_->Add(message.digests, wanted_) : sent;
  state.failures = outcome ? 0 : state.failures + 1;
  const int64_t pause = kFirstPauseMs << std::min<uint32_t>(state.failures, 10);
  state.not_before_ms = outcome ? 0 : parts_.clock->NowMs() + std::min(pause / 2, kLongestPauseMs);
  if (!outcome && parts_.log) {
    parts_.log(fmt::format("team {} of project {} cannot be told of {} first hits: {}",
                           message.route.team, message.project.value, message.hits.size(),
                           outcome.error().message));
  }
  const std::lock_guard lock(mutex_);
  ++(sent ? stats_.sent : stats_.failures);
  if (outcome) stats_.untold -= std::min<uint64_t>(stats_.untold, message.hits.size());
}

void AlertSender::SendDue() {
  const std::lock_guard lock(sending_);
  for (const Message& message : CollectDue()) Note(message, Send(message));
}

void AlertSender::StartSending(std::chrono::milliseconds every) {
  thread_ = std::thread([this, every] { Run(every); });
}

// Hits come in swarms after a release: a moment's wait puts them into one message.
void AlertSender::Run(std::chrono::milliseconds every) {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait_for(lock, every, [this] { return stop_; });
    if (stop_) return;
    lock.unlock();
    SendDue();
    lock.lock();
  }
}

AlertStats AlertSender::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace bulkhead
