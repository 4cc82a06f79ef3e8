#include "intake/batch_builder.h"

#include <algorithm>

#include "base/limits.h"
#include "crypto/crypto.h"
#include "model/sealed_fields.h"
#include "sieve/policy_trial.h"

namespace bulkhead {
namespace {

constexpr std::string_view kBrowserPrefix = "Mozilla/";
constexpr size_t kMaxUserAgentBytes = 1024;

void SetMember(ValueObject* properties, std::string_view name, Value value) {
  for (auto& [key, old] : *properties) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  properties->emplace_back(std::string(name), std::move(value));
}

void AddText(ValueObject* properties, std::string_view name, const std::string& text) {
  if (text.empty() || Find(*properties, name) != nullptr) return;
  properties->emplace_back(std::string(name), Value(text));
}

void RemoveMember(ValueObject* properties, std::string_view name) {
  std::erase_if(*properties, [name](const auto& member) { return member.first == name; });
}

// "<id:9f2c...>": 32 hexadecimal digits behind the kind.
bool HoldsToken(std::string_view text) {
  constexpr size_t kDigits = 32;
  for (size_t colon = text.find(':'); colon != std::string_view::npos;
       colon = text.find(':', colon + 1)) {
    const std::string_view rest = text.substr(colon + 1);
    if (rest.size() > kDigits && rest[kDigits] == '>' &&
        rest.substr(0, kDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos) {
      return true;
    }
  }
  return false;
}

bool HoldsToken(const Value& value) {
  if (value.is_string()) return HoldsToken(value.string());
  if (value.is_list()) {
    return std::ranges::any_of(value.list(), [](const Value& one) { return HoldsToken(one); });
  }
  return value.is_object() && std::ranges::any_of(value.object(), [](const auto& member) {
           return HoldsToken(member.second);
         });
}

}  // namespace

const Place& RequestTraces::place() {
  if (!place_) place_ = client_ip_.empty() ? Place{} : sieve_.LookUpPlace(client_ip_);
  return *place_;
}

const UserAgent& RequestTraces::browser() {
  if (!browser_) {
    const bool is_browser =
        user_agent_.starts_with(kBrowserPrefix) && user_agent_.size() <= kMaxUserAgentBytes;
    browser_ = is_browser ? sieve_.LookUpUserAgent(user_agent_) : UserAgent{};
  }
  return *browser_;
}

BatchBuilder::BatchBuilder(const BatchBuilderOptions& options, ProjectId project,
                           int64_t arrival_ms, bool from_import)
    : options_(options), project_(&options.policy->Of(project)) {
  batch_.policy_version = options.policy->version();
  batch_.project = project;
  batch_.arrival_ms = arrival_ms;
  batch_.from_import = from_import;
}

bool BatchBuilder::Admit(const ConsentDecision& consent) {
  if (consent.answer == ConsentAnswer::kIgnore) return true;
  const bool drop = consent.answer == ConsentAnswer::kDrop;
  outcome_.findings.push_back(
      {std::string(consent.rule), "event", drop ? Action::kDrop : Action::kCoarsen});
  return !drop;
}

void BatchBuilder::Add(ParsedEvent&& parsed) {
  BeginLibrary(parsed.properties);
  const ConsentDecision consent =
      DecideConsent(project_->policy().consent, options_.signals, parsed.properties);
  if (!Admit(consent)) return;
  const bool of_nobody = consent.answer == ConsentAnswer::kWithoutPerson;
  Event& event = batch_.events.emplace_back();
  if (!of_nobody) {
    const EventIdentity identity =
        options_.pseudonyms->Resolve(parsed, options_.traces->client_ip());
    event.person = identity.person;
    event.device = identity.device;
  }
  event.time_ms = parsed.time_ms;
  event.insert_id = options_.pseudonyms->InsertId(parsed.insert_id, parsed.time_ms);
  event.name = std::move(parsed.name);
  event.properties = std::move(parsed.properties);
  options_.sieve->CleanEventName(&event.name, &outcome_);
  CleanEvent(&event);
  // A token is equal for equal values: it would join the events again.
  if (of_nobody) {
    std::erase_if(event.properties, [](const auto& member) { return HoldsToken(member.second); });
  }
  KeepSealed(event.person, event.time_ms, false);
  // Only now: a detector does not know half a secret.
  CutString(&event.name);
  CutStrings(&event.properties);
  if (!of_nobody) AddIdentifiers(parsed, &event.properties);
  AddTraces(parsed, &event.properties);
  if (batch_.from_import) SetMember(&event.properties, "$import", Value(true));
  if (batch_.policy_version == 0) {
    RemoveMember(&event.properties, kPolicyVersionProperty);  // nobody else may say it
  } else {
    const auto version = static_cast<double>(batch_.policy_version);
    SetMember(&event.properties, kPolicyVersionProperty, Value(version));
  }
}

void BatchBuilder::CleanEvent(Event* event) {
  const size_t first = outcome_.findings.size();
  PolicyTrial::Sample sample;
  const bool wanted = options_.trial != nullptr && options_.trial->Wants();
  if (wanted) sample = {batch_.project, event->name, false, event->properties};
  options_.sieve->CleanEventProperties(&event->properties, &outcome_, {project_, event->name});
  const std::span findings = std::span(outcome_.findings).subspan(first);
  if (wanted) options_.trial->Compare(std::move(sample), findings);
  if (project_->policy().allow_list && options_.counters != nullptr) {
    options_.counters->AddUnknown(findings, event->name, Source());
  }
}

void BatchBuilder::CleanProfile(ValueObject* properties) {
  const size_t first = outcome_.findings.size();
  PolicyTrial::Sample sample;
  const bool wanted = options_.trial != nullptr && options_.trial->Wants();
  if (wanted) sample = {batch_.project, {}, true, *properties};
  options_.sieve->CleanProfileProperties(properties, &outcome_, {project_, {}});
  const std::span findings = std::span(outcome_.findings).subspan(first);
  if (wanted) options_.trial->Compare(std::move(sample), findings);
  if (project_->policy().allow_list && options_.counters != nullptr) {
    options_.counters->AddUnknown(findings, "(profile)", Source());
  }
}

// Ids stay as properties, as pseudonyms: reports may group by them, nobody can read them.
void BatchBuilder::AddIdentifiers(const ParsedEvent& event, ValueObject* properties) {
  const Pseudonyms& pseudonyms = *options_.pseudonyms;
  if (event.device_id && !event.device_id->empty()) {
    SetMember(properties, "$device_id", Value(pseudonyms.OfDevice(*event.device_id).ToHex()));
  }
  if (event.user_id && !event.user_id->empty()) {
    SetMember(properties, "$user_id", Value(pseudonyms.Of(*event.user_id).ToHex()));
  }
  for (const auto& [name, ids] : event.identifiers) {
    ValueList list;
    for (const std::string& id : ids) {
      if (!id.empty()) list.emplace_back(pseudonyms.Of(id).ToHex());
    }
    if (list.empty()) continue;
    const bool several = name == "$distinct_ids" || list.size() > 1;
    SetMember(properties, name, several ? Value(std::move(list)) : std::move(list.front()));
  }
}

std::optional<Place> BatchBuilder::PlaceFor(const std::optional<std::string>& record_ip) {
  if (record_ip)
    return record_ip->empty() ? std::nullopt
                              : std::optional(options_.sieve->LookUpPlace(*record_ip));
  if (!options_.use_ip) return std::nullopt;
  return options_.traces->place();
}

void BatchBuilder::AddTraces(const ParsedEvent& event, ValueObject* properties) {
  if (const std::optional<Place> place = PlaceFor(event.ip)) {
    AddText(properties, "$city", place->city);
    AddText(properties, "$region", place->region);
    AddText(properties, "mp_country_code", place->country_code);
  }
  if (batch_.from_import || Find(*properties, "$browser") != nullptr) return;
  const UserAgent& browser = options_.traces->browser();
  AddText(properties, "$browser", browser.browser);
  AddText(properties, "$os", browser.os);
}

void BatchBuilder::Add(ParsedProfile&& profile) {
  const bool is_group = !profile.group_key.empty();
  SubjectId subject;
  if (is_group) {
    options_.sieve->CleanString(profile.group_key, &profile.group_id, &outcome_, {project_, {}});
    options_.sieve->CleanEventName(&profile.group_key, &outcome_);
    CutString(&profile.group_id);
    KeepSealed(subject, profile.time_ms, true);
  } else {
    subject = options_.pseudonyms->Of(profile.distinct_id);
  }
  for (ParsedOperation& operation : profile.operations) {
    // A profile without its person is nothing; what takes something away is always done.
    const bool takes_away = operation.op == ProfileOperator::kUnset ||
                            operation.op == ProfileOperator::kDelete ||
                            operation.op == ProfileOperator::kRemove;
    if (!is_group && !takes_away) {
      ConsentDecision consent =
          DecideConsent(project_->policy().consent, options_.signals, operation.properties);
      if (consent.answer == ConsentAnswer::kWithoutPerson) consent.answer = ConsentAnswer::kDrop;
      if (!Admit(consent)) continue;
    }
    CleanOperation(&operation);
    // What is to be removed is no current value.
    if (operation.op == ProfileOperator::kRemove) outcome_.sealed.clear();
    KeepSealed(subject, profile.time_ms, true);
    if (!is_group && operation.op == ProfileOperator::kSet)
      AddProfilePlace(profile, &operation.properties);
    ProfileUpdate& update = batch_.profile_updates.emplace_back();
    update.subject = subject;
    update.group_key = profile.group_key;
    update.group_id = profile.group_id;
    update.op = operation.op;
    update.properties = std::move(operation.properties);
    update.time_ms = profile.time_ms;
    update.ignore_time = profile.ignore_time;
  }
}

void BatchBuilder::CleanOperation(ParsedOperation* operation) {
  if (operation->op != ProfileOperator::kUnset) {
    CleanProfile(&operation->properties);
    return;
  }
  for (auto& [name, value] : operation->properties)
    options_.sieve->CleanEventName(&name, &outcome_);
}

void BatchBuilder::AddProfilePlace(const ParsedProfile& profile, ValueObject* properties) {
  const std::optional<Place> place = PlaceFor(profile.ip);
  if (!place) return;
  AddText(properties, "$city", place->city);
  AddText(properties, "$region", place->region);
  AddText(properties, "$country_code", place->country_code);
  AddText(properties, "$timezone", place->timezone);
}

void BatchBuilder::BeginLibrary(const ValueObject& properties) {
  const Value* library = Find(properties, "mp_lib");
  const std::string_view name = library != nullptr && library->is_string()
                                    ? std::string_view(library->string())
                                    : std::string_view();
  if (name == library_) return;
  CountFindings();
  library_.assign(name);
}

void BatchBuilder::CountFindings() {
  if (options_.counters != nullptr && !outcome_.findings.empty())
    options_.counters->Add(outcome_.findings, Source());
  outcome_.findings.clear();
}

// What belongs to nobody cannot be asked for, nor erased: it is not kept.
void BatchBuilder::KeepSealed(SubjectId subject, int64_t time_ms, bool from_profile) {
  for (SealRequest& request : outcome_.sealed) {
    if (subject.IsNobody()) break;
    std::string key(reinterpret_cast<const char*>(subject.bytes.data()), subject.bytes.size());
    key.append(request.field).append(1, '\0').append(request.value);
    if (!from_profile && !sealed_seen_.insert(std::move(key)).second) continue;
    sealed_.push_back(SealedField{subject, std::move(request.field), std::move(request.value),
                                  from_profile, time_ms});
  }
  outcome_.sealed.clear();
}

Batch BatchBuilder::Finish(std::span<const uint8_t, 32> vault_public_key) {
  CountFindings();
  if (!sealed_.empty()) {
    std::string plain = EncodeSealedFields(sealed_);
    batch_.sealed = Seal(vault_public_key, plain);
    Wipe(&plain);
    for (SealedField& field : sealed_) Wipe(&field.value);
  }
  return std::move(batch_);
}

}  // namespace bulkhead
