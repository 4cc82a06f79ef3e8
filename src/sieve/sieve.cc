#include "sieve/sieve.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <unordered_map>
#include <utility>

#include "sieve/name_rules.h"
#include "sieve/place_database.h"
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

constexpr std::string_view kDropped("\0dropped", 8);

// Values that were looked at and were clean, kept by their full bytes.
struct CleanSlot {
  ValueClass value_class = ValueClass::kText;
  std::string text;
};

struct NameInfo {
  std::string clean_name;  // empty: the name may stay
  std::vector<TextHit> hits;
  NameDecision decision;
};

struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using NameMap = std::unordered_map<std::string, NameInfo, NameHash, std::equal_to<>>;

// Of one thread and one sieve: sieves differ in their rules and keys.
struct ThreadCache {
  uint64_t sieve = 0;
  std::vector<CleanSlot> clean;
  NameMap names[2];  // of events, of profiles
};

ThreadCache& CacheOf(uint64_t sieve) {
  thread_local ThreadCache cache;
  if (cache.sieve != sieve) {
    cache = ThreadCache();
    cache.sieve = sieve;
    cache.clean.resize(kCacheSlots);
  }
  // Here and not while a walk holds on to entries.
  for (NameMap& names : cache.names) {
    if (names.size() >= kMaxCachedNames) names.clear();
  }
  return cache;
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

std::string_view ActionName(Action action) {
  switch (action) {
    case Action::kKeep:
      return "keep";
    case Action::kCoarsen:
      return "coarsen";
    case Action::kToken:
      return "token";
    case Action::kSeal:
      return "seal";
    case Action::kDrop:
      return "drop";
    case Action::kRedact:
      return "redact";
    case Action::kTokenAndSeal:
      return "token+seal";
  }
  return "keep";
}

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
  Walk(const TextCleaner& cleaner, const UserAgentRules& agents, ThreadCache* cache,
       CleanOutcome* outcome)
      : cleaner_(cleaner), agents_(agents), cache_(cache), outcome_(outcome) {}

  void Object(ValueObject* object, const Path* parent, bool profile, int depth) {
    bool dropped = false;
    bool renamed = false;
    for (auto& [name, value] : *object) {
      const NameInfo& info = InfoOf(name, profile && depth == 0);
      if (!info.clean_name.empty()) {
        for (const TextHit& hit : info.hits)
          Find(hit.rule, {parent, info.clean_name, false}, Action::kRedact);
        name = info.clean_name;
        renamed = true;
      }
      const Path path{parent, name, false};
      dropped |= Member(info.decision, path, &value, depth);
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
    if (!cleaner_.Clean(text, value_class, &hits_)) {
      if (slot != nullptr) *slot = {value_class, *text};
      return;
    }
    const std::string where = path.Text();
    for (TextHit& hit : hits_) {
      if (!hit.sealed.empty()) outcome_->sealed.push_back({where, std::move(hit.sealed)});
      outcome_->findings.push_back({std::move(hit.rule), where, hit.action});
    }
  }

  const NameInfo& InfoOf(std::string_view name, bool profile) {
    NameMap& names = cache_->names[profile ? 1 : 0];
    const auto known = names.find(name);
    if (known != names.end()) return known->second;
    NameInfo info;
    info.decision = DecideByName(name, profile);
    std::string cleaned(name);
    if (CleanName(&cleaned, &info.hits)) info.clean_name = std::move(cleaned);
    return names.emplace(std::string(name), std::move(info)).first->second;
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

 private:
  void Find(std::string_view rule, const Path& path, Action action) {
    outcome_->findings.push_back({std::string(rule), path.Text(), action});
  }

  // True: the member is to be taken out; its value is then kDropped.
  bool Member(const NameDecision& decision, const Path& path, Value* value, int depth) {
    if (decision.action == Action::kKeep || SaysNothing(decision, *value)) {
      Any(decision.value_class, path, value, depth);
      return false;
    }
    if (decision.action == Action::kToken && value->is_string() &&
        IsPlaceholder(value->string(), decision.kind)) {
      return false;
    }
    Find(decision.rule, path, decision.action);
    switch (decision.action) {
      case Action::kSeal:
        outcome_->sealed.push_back({path.Text(), AsText(*value)});
        *value = Value(Placeholder(decision.kind, "sealed"));
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

  void Any(ValueClass value_class, const Path& path, Value* value, int depth) {
    switch (value->kind()) {
      case ValueKind::kString:
        Text(path, value_class, &value->string());
        break;
      case ValueKind::kNumber:
        Number(value_class, path, value);
        break;
      case ValueKind::kList:
        if (TooDeep(path, value, depth)) break;
        for (Value& element : value->list())
          Any(value_class, {&path, {}, true}, &element, depth + 1);
        break;
      case ValueKind::kObject:
        if (TooDeep(path, value, depth)) break;
        Object(&value->object(), &path, false, depth + 1);
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
  ThreadCache* cache_;
  CleanOutcome* outcome_;
  std::vector<TextHit> hits_;
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

void Sieve::CleanEventProperties(ValueObject* properties, CleanOutcome* outcome) const {
  Walk(*parts_->cleaner, *parts_->agents, &CacheOf(parts_->id), outcome)
      .Object(properties, nullptr, false, 0);
}

void Sieve::CleanProfileProperties(ValueObject* properties, CleanOutcome* outcome) const {
  Walk(*parts_->cleaner, *parts_->agents, &CacheOf(parts_->id), outcome)
      .Object(properties, nullptr, true, 0);
}

void Sieve::CleanEventName(std::string* name, CleanOutcome* outcome) const {
  Walk walk(*parts_->cleaner, *parts_->agents, &CacheOf(parts_->id), outcome);
  const NameInfo& info = walk.InfoOf(*name, false);
  if (info.clean_name.empty()) return;
  for (const TextHit& hit : info.hits)
    outcome->findings.push_back({hit.rule, "event", Action::kRedact});
  *name = info.clean_name;
}

void Sieve::CleanString(std::string_view path, std::string* text, CleanOutcome* outcome) const {
  ValueObject object;
  object.emplace_back(std::string(path), Value(std::move(*text)));
  CleanEventProperties(&object, outcome);
  *text = object.empty() ? std::string() : AsText(object.front().second);
}

Place Sieve::LookUpPlace(std::string_view ip) const { return parts_->places->LookUp(ip); }
UserAgent Sieve::LookUpUserAgent(std::string_view user_agent) const {
  return parts_->agents->LookUp(user_agent);
}
bool Sieve::has_place_database() const { return !parts_->places->empty(); }
bool Sieve::has_user_agent_rules() const { return !parts_->agents->empty(); }

}  // namespace bulkhead
