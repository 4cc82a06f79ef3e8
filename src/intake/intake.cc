#include "intake/intake.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/base64.h"
#include "crypto/keys.h"
#include "intake/answer.h"
#include "intake/batch_builder.h"
#include "intake/failed_logins.h"
#include "intake/pseudonyms.h"
#include "log/log_writer.h"
#include "model/batch_codec.h"
#include "sieve/compiled_policy.h"
#include "sieve/policy_holder.h"
#include "sieve/policy_trial.h"
#include "wire/event_parser.h"
#include "wire/payload.h"
#include "wire/profile_parser.h"

namespace bulkhead {
namespace {

using Done = std::function<void(IngestResponse)>;

constexpr std::string_view kBasicPrefix = "basic ";
constexpr size_t kMaxProjectsPerRequest = 16;

// The batches of one request: the answer goes out once all are durable.
class PendingAnswer {
 public:
  PendingAnswer(AnswerForm form, Outcome outcome, size_t batches, Done done)
      : form_(std::move(form)),
        outcome_(std::move(outcome)),
        left_(batches),
        done_(std::move(done)) {}

  void Appended(const Result<uint64_t>& result) {
    if (!result) {
      const std::scoped_lock lock(mutex_);
      error_ = result.error();
    }
    if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (!error_) return done_(AnswerOutcome(form_, outcome_));
    // A record that is too large is the sender's matter; a log that is full or failing is ours.
    error_->code =
        error_->code == ErrorCode::kInvalid ? ErrorCode::kLimit : ErrorCode::kUnavailable;
    done_(AnswerError(form_, *error_));
  }

 private:
  AnswerForm form_;
  Outcome outcome_;
  std::atomic<size_t> left_;
  std::mutex mutex_;
  std::optional<Error> error_;
  Done done_;
};

struct Credentials {
  std::optional<ProjectId> project;
  bool refused = false;  // some were given, and were wrong
  bool later = false;    // some were given, and are not looked at now: others guessed too often
};

bool StartsWithBasic(std::string_view text) {
  if (text.size() < kBasicPrefix.size()) return false;
  for (size_t i = 0; i < kBasicPrefix.size(); ++i) {
    if ((text[i] | 0x20) != kBasicPrefix[i]) return false;
  }
  return true;
}

// A service account, within the limit on failures of the address.
Credentials LogIn(const IntakeOptions& options, const std::string& client_ip,
                  std::string_view basic_text, std::optional<ProjectId> named) {
  Credentials credentials;
  const size_t colon = basic_text.find(':');
  if (!options.logins->MayTry(client_ip)) {
    credentials.later = true;
    return credentials;
  }
  const Result<ProjectId> found = options.projects->FindByServiceAccount(
      basic_text.substr(0, colon), basic_text.substr(colon + 1), named);
  if (found) {
    credentials.project = *found;
  } else if (found.error().code == ErrorCode::kLimit) {
    credentials.later = true;
  } else {
    options.logins->Note(client_ip);
    credentials.refused = true;
  }
  return credentials;
}

Credentials ReadBasic(const IntakeOptions& options, const IngestRequest& request,
                      std::optional<ProjectId> named) {
  Credentials credentials;
  std::optional<std::string> text =
      Base64DecodeLenient(request.authorization.substr(kBasicPrefix.size()));
  const size_t colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos) {
    credentials.refused = true;
  } else if (colon + 1 == text->size()) {
    credentials.project = options.projects->FindByToken(std::string_view(*text).substr(0, colon));
    credentials.refused = !credentials.project;
  } else {
    credentials = LogIn(options, request.client_ip, *text, named);
  }
  if (text) Wipe(&*text);
  return credentials;
}

Credentials ReadCredentials(const IngestRequest& request, const PayloadParameters& parameters,
                            const IntakeOptions& options) {
  Credentials credentials;
  // /track goes by the events' own tokens; and whoever may send there need not make us hash
  // passwords.
  if (request.endpoint == IngestRequest::kTrack) return credentials;
  std::optional<ProjectId> named;
  if (parameters.project_id) named = ProjectId{*parameters.project_id};
  if (StartsWithBasic(request.authorization)) {
    credentials = ReadBasic(options, request, named);
  } else if (!request.authorization.empty()) {
    credentials.refused = true;
  } else if (!parameters.api_key.empty()) {
    credentials.project = options.projects->FindByToken(parameters.api_key);
    credentials.refused = !credentials.project;
  }
  if (credentials.project && named && *named != *credentials.project) {
    credentials.project.reset();
    credentials.refused = true;
  }
  return credentials;
}

}  // namespace

class Intake::Impl {
 public:
  explicit Impl(const IntakeOptions& options) : options_(options), pseudonyms_(*options.keys) {}

  void Accept(const IngestRequest& request, Done done);
  [[nodiscard]] const Pseudonyms& pseudonyms() const { return pseudonyms_; }

 private:
  // One request under way.
  struct Work {
    const IngestRequest& request;
    const Payload& payload;
    Credentials credentials;
    int64_t now_ms = 0;
    RequestTraces traces;
    std::vector<BatchBuilder> builders;  // one per project; nearly always one
    std::string last_token;
    std::optional<ProjectId> last_project;
    Outcome outcome;
    // One policy for all of the request.
    std::shared_ptr<const CompiledPolicy> policy;
    std::shared_ptr<PolicyTrial> trial;
  };

  Result<void> ReadEvents(Work* work);
  Result<void> ReadProfiles(Work* work);
  // Where a record with this token belongs; null: nowhere.
  BatchBuilder* BuilderFor(std::string_view token, Work* work);
  void Append(Work* work, AnswerForm form, Done done);

  IntakeOptions options_;
  Pseudonyms pseudonyms_;
  const std::shared_ptr<const CompiledPolicy> default_policy_ =
      std::make_shared<const CompiledPolicy>();
};

void Intake::Impl::Accept(const IngestRequest& request, Done done) {
  const Payload payload =
      DecodePayload({request.query, request.content_type, request.content_encoding, request.body});
  Result<AnswerForm> form = ChooseAnswer(request, payload);
  if (!form) {
    AnswerForm refusal;
    refusal.style = AnswerStyle::kImport;  // a 400 that says why, and no script
    return done(AnswerError(refusal, form.error()));
  }
  if (payload.error) return done(AnswerError(*form, *payload.error));
  Work work{request,
            payload,
            ReadCredentials(request, payload.parameters, options_),
            options_.clock->NowMs(),
            RequestTraces(*options_.sieve, request.client_ip, request.user_agent),
            {},
            {},
            {},
            {},
            options_.policy != nullptr ? options_.policy->Current() : default_policy_,
            options_.policy != nullptr ? options_.policy->Trial() : nullptr};
  if (request.endpoint == IngestRequest::kImport && !work.credentials.project) {
    if (work.credentials.later) return done(AnswerTooManyLogins());
    return done(AnswerError(*form, Error{ErrorCode::kDenied, ""}));
  }
  const bool is_events =
      request.endpoint == IngestRequest::kTrack || request.endpoint == IngestRequest::kImport;
  const Result<void> read = is_events ? ReadEvents(&work) : ReadProfiles(&work);
  if (!read) {
    const bool later = read.error().code == ErrorCode::kDenied && work.credentials.later;
    return done(later ? AnswerTooManyLogins() : AnswerError(*form, read.error()));
  }
  Append(&work, std::move(*form), std::move(done));
}

Result<void> Intake::Impl::ReadEvents(Work* work) {
  const bool is_import = work->request.endpoint == IngestRequest::kImport;
  EventParseOptions options;
  options.newline_delimited = work->payload.newline_delimited;
  options.strict =
      is_import && work->payload.parameters.strict.value_or(work->payload.is_json_body);
  options.last_days_only = !is_import;
  options.now_ms = work->now_ms;
  Result<ParsedEvents> parsed = ParseEvents(work->payload.json(), options);
  if (!parsed) return parsed.error();
  work->outcome.errors = std::move(parsed->errors);
  work->outcome.accepted = parsed->ignored;
  for (ParsedEvent& event : parsed->events) {
    BatchBuilder* builder = BuilderFor(is_import ? std::string_view() : event.token, work);
    if (builder == nullptr) {
      work->outcome.errors.push_back(
          InvalidField(event.index, "properties.token", "must be the token of a project"));
      work->outcome.errors.back().insert_id = std::move(event.insert_id);
      continue;
    }
    builder->Add(std::move(event));
    ++work->outcome.accepted;
  }
  std::ranges::stable_sort(work->outcome.errors, {}, &RecordError::index);
  return {};
}

Result<void> Intake::Impl::ReadProfiles(Work* work) {
  ProfileParseOptions options;
  options.newline_delimited = work->payload.newline_delimited;
  options.groups = work->request.endpoint == IngestRequest::kGroups;
  options.now_ms = work->now_ms;
  Result<ParsedProfiles> parsed = ParseProfiles(work->payload.json(), options);
  if (!parsed) return parsed.error();
  work->outcome.errors = std::move(parsed->errors);
  for (ParsedProfile& profile : parsed->profiles) {
    if (profile.token.empty() && (work->credentials.refused || work->credentials.later)) {
      return Error{ErrorCode::kDenied, ""};
    }
    BatchBuilder* builder = BuilderFor(profile.token, work);
    if (builder == nullptr) {
      work->outcome.errors.push_back(
          InvalidField(profile.index, "$token", "must be the token of a project"));
      continue;
    }
    builder->Add(std::move(profile));
    ++work->outcome.accepted;
  }
  std::ranges::stable_sort(work->outcome.errors, {}, &RecordError::index);
  return {};
}

BatchBuilder* Intake::Impl::BuilderFor(std::string_view token, Work* work) {
  std::optional<ProjectId> project = work->credentials.project;
  if (!token.empty()) {
    if (token != work->last_token) {
      work->last_token.assign(token);
      work->last_project = options_.projects->FindByToken(token);
    }
    project = work->last_project;
  }
  if (!project) return nullptr;
  for (BatchBuilder& builder : work->builders) {
    if (builder.project() == *project) return &builder;
  }
  if (work->builders.size() == kMaxProjectsPerRequest) return nullptr;
  BatchBuilderOptions options;
  options.sieve = options_.sieve;
  options.counters = options_.counters;
  options.pseudonyms = &pseudonyms_;
  options.traces = &work->traces;
  options.policy = work->policy.get();
  options.trial = work->trial.get();
  // What a server imports says nothing of the browsers that it once spoke with.
  if (work->request.endpoint != IngestRequest::kImport) {
    options.signals = {work->request.do_not_track, work->request.global_privacy_control};
  }
  options.use_ip =
      work->payload.parameters.use_ip.value_or(work->request.endpoint == IngestRequest::kEngage);
  return &work->builders.emplace_back(options, *project, work->now_ms,
                                      work->request.endpoint == IngestRequest::kImport);
}

void Intake::Impl::Append(Work* work, AnswerForm form, Done done) {
  if (work->builders.empty()) return done(AnswerOutcome(form, work->outcome));
  const auto pending = std::make_shared<PendingAnswer>(std::move(form), std::move(work->outcome),
                                                       work->builders.size(), std::move(done));
  for (BatchBuilder& builder : work->builders) {
    std::string bytes;
    EncodeBatch(builder.Finish(options_.keys->vault_public_key), &bytes);
    options_.log->Append(std::move(bytes),
                         [pending](Result<uint64_t> position) { pending->Appended(position); });
  }
}

Intake::Intake(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Intake::~Intake() = default;

Result<std::unique_ptr<Intake>> Intake::Create(const IntakeOptions& options) {
  if (options.log == nullptr || options.sieve == nullptr || options.keys == nullptr ||
      options.clock == nullptr || options.projects == nullptr || options.logins == nullptr) {
    return Error{ErrorCode::kBug, "intake was created without one of its parts"};
  }
  return std::unique_ptr<Intake>(new Intake(std::make_unique<Impl>(options)));
}

void Intake::Accept(const IngestRequest& request, std::function<void(IngestResponse)> done) {
  impl_->Accept(request, std::move(done));
}

SubjectId Intake::Pseudonymise(std::string_view raw_id) const {
  return impl_->pseudonyms().Of(raw_id);
}

}  // namespace bulkhead
