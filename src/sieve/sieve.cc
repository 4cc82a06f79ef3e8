#include "sieve/sieve.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <list>
#include <unordered_map>
#include <utility>

#include "sieve/coarsen.h"
#include "sieve/compiled_policy.h"
#include "sieve/name_rules.h"
#include "sieve/place_database.h"
#include "sieve/policy_defaults.h"
#include "sieve/text_cleaner.h"
#include "sieve/user_agent_rules.h"
#include "sieve/validators.h"
#include "sieve/value_rules.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxTextBytes =
    4096;  // far above what any string may have after intake; bounds the detectors' work
constexpr int kMaxDepth = 16;
constexpr size_t kCacheSlots = 4096;
constexpr size_t kMaxCachedBytes = 256;
constexpr size_t kMaxCachedNames = 8192;
constexpr size_t kMaxCachedProjects = 64;
constexpr size_t kMaxCachedEvents = 1024;

constexpr std::string_view kDropped("\0dropped", 8);

// Values that were looked at and were clean, kept by their full bytes.
struct CleanSlot {
  ValueClass value_class = ValueClass::kText;
  std::string text;
};

struct NameInfo {
  std::string clean_name;  // empty: the name may stay
  std::vector<TextHit> hits;
  PropertyDecision decision;
};

struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using NameMap = std::unordered_map<std::string, NameInfo, NameHash, std::equal_to<>>;

// The rules of one event's name in one project, and what they said of each property.
struct EventRules {
  std::vector<const PolicyRule*> rules;
  NameMap names;        // at the top, by name
  NameMap paths;        // further in, by path
  NameMap known_paths;  // the same, in something known
};

// One project's part of one policy.
struct ProjectCache {
  std::unordered_map<std::string, std::unique_ptr<EventRules>, NameHash, std::equal_to<>> events;
  std::unique_ptr<EventRules> profiles;
};

// Of one thread and one sieve: sieves differ in their rules and keys.
struct ThreadCache {
  uint64_t sieve = 0;
  std::vector<CleanSlot> clean;
  NameMap names[2];                                     // of events, of profiles
  std::unordered_map<uint64_t, ProjectCache> projects;  // by CompiledProject::id
};

// Only here may entries go, and not while a walk holds on to them.
void Trim(ThreadCache* cache) {
  for (NameMap& names : cache->names) {
    if (names.size() >= kMaxCachedNames) names.clear();
  }
  if (cache->projects.size() >= kMaxCachedProjects) cache->projects.clear();
  for (auto& [id, project] : cache->projects) {
    if (project.events.size() >= kMaxCachedEvents) project.events.clear();
  }
}

ThreadCache& CacheOf(uint64_t sieve) {
  thread_local ThreadCache cache;
  if (cache.sieve != sieve) {
    cache = ThreadCache();
    cache.sieve = sieve;
    cache.clean.resize(kCacheSlots);
  }
  Trim(&cache);
  return cache;
}

// The rules for what is to be cleaned; null where the policy has none for this project.
EventRules* RulesOf(const SieveScope& scope, bool profile, ThreadCache* cache) {
  if (scope.project == nullptr || scope.project->is_default()) return nullptr;
  ProjectCache& project = cache->projects[scope.project->id()];
  if (profile) {
    if (project.profiles == nullptr) {
      project.profiles = std::make_unique<EventRules>();
      project.profiles->rules = scope.project->RulesOfProfiles();
    }
  } else {
    const std::string_view event = scope.project->names_events() ? scope.event : std::string_view();
    auto found = project.events.find(event);
    if (found == project.events.end()) {
      found = project.events.emplace(std::string(event), std::make_unique<EventRules>()).first;
      found->second->rules = scope.project->RulesOfEvent(event);
    }
    EventRules* rules = found->second.get();
    for (NameMap* names : {&rules->names, &rules->paths, &rules->known_paths}) {
      if (names->size() >= kMaxCachedNames) names->clear();
    }
    return rules;
  }
  return project.profiles.get();
}

// Where we are; written out only for findings.
struct Path {
  const Path* parent;
  std::string_view name;
  bool element;

  [[nodiscard]] std::string Text() const {
    std::string text = parent != nullptr ? parent->Text() : std::string();
    if (element) return text.append("[]");
    if (parent != nullptr) text.push_back('.');
    return text.append(name);
  }
};

std::string AsText(const Value& value) {
  return value.is_string() ? value.string() : ToJson(value);
}

// "<email:9f2c...>" to "<email:redacted>".
std::string WithoutTokens(std::string_view name) {
  std::string plain;
  for (size_t i = 0; i < name.size();) {
    const size_t end = name[i] == '<' ? name.find('>', i) : std::string_view::npos;
    const size_t colon = name[i] == '<' ? name.find(':', i) : std::string_view::npos;
    if (end == std::string_view::npos || colon > end) {
      plain.push_back(name[i++]);
      continue;
    }
    plain.append(name.substr(i, colon - i)).append(":redacted>");
    i = end + 1;
  }
  return plain;
}

// Back to a UTF-8 border.
void CutTo(size_t bytes, std::string* text) {
  while (bytes > 0 && (static_cast<unsigned char>((*text)[bytes]) & 0xC0) == 0x80) --bytes;
  text->resize(bytes);
}

}  // namespace

struct Sieve::Parts {
  uint64_t id = 0;
  std::unique_ptr<RuleSet> rules;
  std::unique_ptr<PlaceDatabase> places;
  std::unique_ptr<UserAgentRules> agents;
  std::unique_ptr<TextCleaner> cleaner;
};

namespace {

// One walk over one event's or profile's properties.
class Walk {
 public:
  // `scope` and what it shows outlive the walk.
  Walk(const TextCleaner& cleaner, const UserAgentRules& agents, const SieveScope& scope,
       ThreadCache* cache, CleanOutcome* outcome)
      : cleaner_(cleaner), agents_(agents), scope_(scope), cache_(cache), outcome_(outcome) {}

  // All of an event's or a profile's properties.
  void Top(ValueObject* object, bool profile, bool known = false) {
    rules_ = RulesOf(scope_, profile, cache_);
    Object(object, nullptr, {profile, known, 0});
  }

  const NameInfo& InfoOf(std::string_view name, bool profile) {
    NameMap& names = cache_->names[profile ? 1 : 0];
    const auto known = names.find(name);
    if (known != names.end()) return known->second;
    NameInfo info;
    info.decision.name = DecideByName(name, profile);
    info.decision.covers = true;
    return Judged(name, name, std::move(info), &names);
  }

 private:
  struct Where {
    bool profile;  // a profile's own properties
    bool known;    // in something that the policy names
    int depth;
  };

  void Object(ValueObject* object, const Path* parent, Where where) {
    bool dropped = false;
    bool renamed = false;
    for (auto& [name, value] : *object) {
      const NameInfo& info = rules_ == nullptr ? InfoOf(name, where.profile && where.depth == 0)
                                               : RuledInfoOf(name, parent, where);
      if (!info.clean_name.empty()) {
        for (const TextHit& hit : info.hits)
          Find(hit.rule, {parent, info.clean_name, false}, Action::kRedact);
        name = info.clean_name;
        renamed = true;
      }
      const Path path{parent, name, false};
      dropped |= Member(info.decision, path, &value, where.depth);
    }
    if (dropped) {
      std::erase_if(*object, [](const auto& member) {
        return member.second.is_string() && member.second.string() == kDropped;
      });
    }
    if (renamed) MakeUnique(object);
  }

  void Text(const Path& path, ValueClass value_class, std::string* text) {
    if (value_class == ValueClass::kUserAgent) return Coarsen(path, text);
    if (value_class == ValueClass::kCoordinate && CoarsenCoordinate(path, text)) return;
    if (IsTriviallyClean(*text)) return;
    if (text->size() > kMaxTextBytes) {
      CutTo(kMaxTextBytes, text);
      Find("too_long", path, Action::kDrop);
    }
    CleanSlot* slot = nullptr;
    if (text->size() <= kMaxCachedBytes) {
      const size_t hash = std::hash<std::string_view>()(*text) +
                          static_cast<size_t>(value_class) * 0x9E3779B97F4A7C15ULL;
      slot = &cache_->clean[hash % kCacheSlots];
      if (slot->value_class == value_class && slot->text == *text) return;
    }
    hits_.clear();
    std::string plain = allow_plain_ != nullptr ? *text : std::string();
    if (!cleaner_.Clean(text, value_class, &hits_)) {
      if (slot != nullptr) *slot = {value_class, *text};
      return;
    }
    if (allow_plain_ != nullptr && AllAllowed()) {
      *text = std::move(plain);
      return;
    }
    const std::string where = path.Text();
    for (TextHit& hit : hits_) {
      if (!hit.sealed.empty()) outcome_->sealed.push_back({where, std::move(hit.sealed)});
      outcome_->findings.push_back({std::move(hit.rule), where, hit.action});
    }
  }

  // The same under the policy's rules, which look at the place, too.
  const NameInfo& RuledInfoOf(std::string_view name, const Path* parent, Where where) {
    const bool top = parent == nullptr && !where.known;
    const std::string path = top ? std::string() : Path{parent, name, false}.Text();
    // With the length, because names may hold what parts a path.
    const std::string by_path = top ? path : std::to_string(name.size()) + ":" + path;
    const std::string_view key = top ? name : std::string_view(by_path);
    NameMap& names = top ? rules_->names : where.known ? rules_->known_paths : rules_->paths;
    const auto known = names.find(key);
    if (known != names.end()) return known->second;
    NameInfo info;
    const bool profile = where.profile && where.depth == 0;
    info.decision = scope_.project->Decide(
        rules_->rules, {name, top ? name : std::string_view(path), profile, where.known});
    return Judged(name, key, std::move(info), &names);
  }

  // A name that may stay is remembered; one that held something is not, and ends with the walk.
  const NameInfo& Judged(std::string_view name, std::string_view key, NameInfo info,
                         NameMap* names) {
    std::string cleaned(name);
    if (!CleanName(&cleaned, &info.hits)) {
      return names->emplace(std::string(key), std::move(info)).first->second;
    }
    info.clean_name = std::move(cleaned);
    return redacted_.emplace_back(std::move(info));
  }

  // Names repeat in every report: no tokens in them and nothing to seal.
  bool CleanName(std::string* name, std::vector<TextHit>* hits) const {
    if (name->size() > kMaxTextBytes) CutTo(kMaxTextBytes, name);
    if (!cleaner_.Clean(name, ValueClass::kText, hits)) return false;
    // Without its tokens the name is another text, which is looked at again.
    std::vector<TextHit> more;
    std::string plain = WithoutTokens(*name);
    *name =
        cleaner_.Clean(&plain, ValueClass::kText, &more) || plain.empty() ? "<redacted>" : plain;
    return true;
  }

  // Beside anything else that was found, what may be plain goes with it.
  [[nodiscard]] bool AllAllowed() const {
    return std::all_of(hits_.begin(), hits_.end(), [this](const TextHit& hit) {
      const std::string_view kind = KindOfRule(hit.rule);
      return std::find(allow_plain_->begin(), allow_plain_->end(), kind) != allow_plain_->end();
    });
  }

  void Find(std::string_view rule, const Path& path, Action action) {
    outcome_->findings.push_back({std::string(rule), path.Text(), action});
  }

  // True: the member is to be taken out; its value is then kDropped.
  bool Member(const PropertyDecision& decision, const Path& path, Value* value, int depth) {
    if (decision.unknown) return Unknown(decision, path, value, depth);
    const NameDecision& name = decision.name;
    const bool says_nothing = decision.by_policy
                                  ? value->is_null() && name.action != Action::kDrop
                                  : name.action != Action::kKeep && SaysNothing(name, *value);
    if (name.action == Action::kKeep || says_nothing) {
      const auto* const outer = allow_plain_;
      if (decision.allow_plain != nullptr) allow_plain_ = decision.allow_plain;
      Any(name.value_class, path, value, {depth, decision.covers});
      allow_plain_ = outer;
      return false;
    }
    if ((name.action == Action::kToken || name.action == Action::kTokenAndSeal) &&
        value->is_string() && IsPlaceholder(value->string(), name.kind)) {
      return false;
    }
    if (name.action == Action::kCoarsen) {
      CoarsenMember(decision, path, value, depth);
      return false;
    }
    Find(name.rule, path, name.action);
    return Replace(name, path, value);
  }

  bool Replace(const NameDecision& decision, const Path& path, Value* value) {
    switch (decision.action) {
      case Action::kSeal:
        outcome_->sealed.push_back({path.Text(), AsText(*value)});
        *value = Value(Placeholder(decision.kind, "sealed"));
        break;
      case Action::kTokenAndSeal:
        outcome_->sealed.push_back({path.Text(), AsText(*value)});
        *value = Value(cleaner_.Token(decision.kind, AsText(*value)));
        break;
      case Action::kToken:
        *value = Value(cleaner_.Token(decision.kind, AsText(*value)));
        break;
      case Action::kDrop:
        *value = Value(kDropped);
        return true;
      default:
        *value = Value(Placeholder(decision.kind, "redacted"));
        break;
    }
    return false;
  }

  // Only what the policy names inside it may stay.
  bool Unknown(const PropertyDecision& decision, const Path& path, Value* value, int depth) {
    if (decision.leads_on && (value->is_object() || value->is_list())) {
      Any(ValueClass::kText, path, value, {depth, false});
      const bool empty =
          value->is_object() ? value->object().empty() : value->is_list() && value->list().empty();
      if (!empty) return false;
    }
    Find(kUnknownPropertyRule, path, Action::kDrop);
    *value = Value(kDropped);
    return true;
  }

  void CoarsenMember(const PropertyDecision& decision, const Path& path, Value* value, int depth) {
    Value before = *value;
    if (!CoarsenValue(value)) *value = Value(Placeholder(decision.name.kind, "redacted"));
    if (!(before == *value)) Find(decision.name.rule, path, Action::kCoarsen);
    Any(decision.name.value_class, path, value, {depth, decision.covers});
  }

  struct Inside {
    int depth;
    bool known;  // the policy names what this lies in
  };

  void Any(ValueClass value_class, const Path& path, Value* value, Inside inside) {
    // Of what is not known only objects, and lists of them, may hold something known.
    const int depth = inside.depth;
    switch (value->kind()) {
      case ValueKind::kString:
        Text(path, value_class, &value->string());
        break;
      case ValueKind::kNumber:
        Number(value_class, path, value);
        break;
      case ValueKind::kList:
        if (TooDeep(path, value, depth)) break;
        if (!inside.known) {
          std::erase_if(value->list(), [](const Value& one) { return !one.is_object(); });
        }
        for (Value& element : value->list())
          Any(value_class, {&path, {}, true}, &element, {depth + 1, inside.known});
        if (!inside.known) {
          std::erase_if(value->list(), [](const Value& one) {
            return !one.is_object() || one.object().empty();  // too deep ones are null by now
          });
        }
        break;
      case ValueKind::kObject:
        if (TooDeep(path, value, depth)) break;
        Object(&value->object(), &path, {false, inside.known, depth + 1});
        break;
      default:
        break;
    }
  }

  bool TooDeep(const Path& path, Value* value, int depth) {
    if (depth < kMaxDepth) return false;
    Find("too_deep", path, Action::kDrop);
    *value = Value();
    return true;
  }

  void Number(ValueClass value_class, const Path& path, Value* value) {
    const double number = value->number();
    if (value_class == ValueClass::kCoordinate) {
      const double coarse = CoarseCoordinate(number);
      if (coarse == number) return;
      Find("name:coordinate", path, Action::kCoarsen);
      *value = Value(coarse);
      return;
    }
    // Card numbers: 14 to 16 digits are exact in a double. Phones and social security numbers sent
    // as numbers are known by name only, because every id looks like them.
    if (number < 1e13 || number >= 1e16 || number != std::floor(number)) return;
    if (!validators::IsCard(std::to_string(static_cast<int64_t>(number)))) return;
    Find("card", path, Action::kRedact);
    *value = Value("<card:redacted>");
  }

  bool CoarsenCoordinate(const Path& path, std::string* text) {
    char* end = nullptr;
    const double number = std::strtod(text->c_str(), &end);
    if (text->empty() || end != text->c_str() + text->size()) return false;
    Value value(number);
    Number(ValueClass::kCoordinate, path, &value);
    if (value.number() != number) *text = ToJson(value);
    return true;
  }

  void Coarsen(const Path& path, std::string* text) {
    const UserAgent agent = agents_.LookUp(*text);
    std::string coarse = agent.browser;
    if (!agent.browser_major.empty()) coarse.append(1, ' ').append(agent.browser_major);
    if (!agent.os.empty()) coarse.append(", ").append(agent.os);
    if (coarse.empty()) coarse = "<user-agent:redacted>";
    hits_.clear();
    cleaner_.Clean(&coarse, ValueClass::kVersion, &hits_);
    if (*text == coarse) return;
    Find("name:user_agent", path, Action::kCoarsen);
    *text = std::move(coarse);
  }

  // Two names may have become one; a later one then gets a number.
  static void MakeUnique(ValueObject* object) {
    std::unordered_map<std::string, int> seen;
    for (auto& member : *object) {
      const int count = ++seen[member.first];
      if (count > 1) member.first.append(1, '_').append(std::to_string(count));
    }
  }

  const TextCleaner& cleaner_;
  const UserAgentRules& agents_;
  const SieveScope scope_;
  ThreadCache* cache_;
  CleanOutcome* outcome_;
  EventRules* rules_ = nullptr;                            // null: names alone decide
  const std::vector<std::string>* allow_plain_ = nullptr;  // kinds, where we are
  std::vector<TextHit> hits_;
  std::list<NameInfo> redacted_;  // of names that may not stay
};

}  // namespace

Sieve::Sieve(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Sieve::~Sieve() = default;

Result<std::unique_ptr<Sieve>> Sieve::Create(const SieveOptions& options) {
  static std::atomic<uint64_t> next_id{1};
  if (options.token_key == nullptr) return Error{ErrorCode::kBug, "the sieve needs a token key"};
  auto parts = std::make_unique<Parts>();
  auto rules = RuleSet::Compile();
  if (!rules) return rules.error();
  auto places = PlaceDatabase::Open(options.place_database_path);
  if (!places) return places.error();
  auto agents = UserAgentRules::Load(options.user_agent_rules_path);
  if (!agents) return agents.error();
  parts->id = next_id.fetch_add(1);
  parts->rules = std::move(*rules);
  parts->places = std::move(*places);
  parts->agents = std::move(*agents);
  parts->cleaner = std::make_unique<TextCleaner>(parts->rules.get(), options.token_key);
  return std::unique_ptr<Sieve>(new Sieve(std::move(parts)));
}

void Sieve::CleanEventProperties(ValueObject* properties, CleanOutcome* outcome,
                                 const SieveScope& scope) const {
  Walk(*parts_->cleaner, *parts_->agents, scope, &CacheOf(parts_->id), outcome)
      .Top(properties, false);
}

void Sieve::CleanProfileProperties(ValueObject* properties, CleanOutcome* outcome,
                                   const SieveScope& scope) const {
  Walk(*parts_->cleaner, *parts_->agents, scope, &CacheOf(parts_->id), outcome)
      .Top(properties, true);
}

void Sieve::CleanEventName(std::string* name, CleanOutcome* outcome) const {
  Walk walk(*parts_->cleaner, *parts_->agents, {}, &CacheOf(parts_->id), outcome);
  const NameInfo& info = walk.InfoOf(*name, false);
  if (info.clean_name.empty()) return;
  for (const TextHit& hit : info.hits)
    outcome->findings.push_back({hit.rule, "event", Action::kRedact});
  *name = info.clean_name;
}

void Sieve::CleanString(std::string_view path, std::string* text, CleanOutcome* outcome,
                        const SieveScope& scope) const {
  ValueObject object;
  object.emplace_back(std::string(path), Value(std::move(*text)));
  Walk(*parts_->cleaner, *parts_->agents, scope, &CacheOf(parts_->id), outcome)
      .Top(&object, false, true);
  *text = object.empty() ? std::string() : AsText(object.front().second);
}

Place Sieve::LookUpPlace(std::string_view ip) const { return parts_->places->LookUp(ip); }
UserAgent Sieve::LookUpUserAgent(std::string_view user_agent) const {
  return parts_->agents->LookUp(user_agent);
}
bool Sieve::has_place_database() const { return !parts_->places->empty(); }
bool Sieve::has_user_agent_rules() const { return !parts_->agents->empty(); }

}  // namespace bulkhead
