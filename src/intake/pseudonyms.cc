#include "intake/pseudonyms.h"

#include <array>
#include <memory>
#include <string>

#include "crypto/keys.h"

namespace bulkhead {
namespace {

constexpr std::string_view kDevicePrefix = "$device:";
constexpr std::string_view kAddressPrefix{
    "\0ip\0", 4};  // contains zeros, so that no sent id is mistaken for it
constexpr size_t kCacheEntries = 1UL << 14;

// Direct-mapped: a newer id takes the place of an older one; 512 KB a thread. What another instance
// left there has a digest under another key.
struct CacheEntry {
  CacheDigest id;
  SubjectId subject;
};
using Cache = std::array<CacheEntry, kCacheEntries>;

CacheEntry& EntryFor(const CacheDigest& id) {
  thread_local const std::unique_ptr<Cache> cache = std::make_unique<Cache>();
  return (*cache)[id.low % kCacheEntries];
}

}  // namespace

Pseudonyms::Pseudonyms(const IntakeKeys& keys)
    : ids_(keys.pseudonym_key), insert_ids_(keys.insert_id_key) {
  for (const IntakeKeys::OldInsertIdKey& old : keys.old_insert_id_keys) {
    old_insert_ids_.push_back({old.before_ms, KeyedHash(old.key)});
  }
}

SubjectId Pseudonyms::Of(std::string_view raw_id) const {
  SubjectId subject;
  if (raw_id.empty()) return subject;
  const CacheDigest id = cache_hash_.Of(raw_id);
  CacheEntry& entry = EntryFor(id);
  if (entry.id == id) return entry.subject;
  ids_.Digest128(raw_id, subject.bytes.data());
  entry = {id, subject};
  return subject;
}

SubjectId Pseudonyms::OfDevice(std::string_view device_id) const {
  if (device_id.empty()) return {};
  if (device_id.starts_with(kDevicePrefix)) return Of(device_id);
  std::string spelled;
  spelled.reserve(kDevicePrefix.size() + device_id.size());
  spelled.append(kDevicePrefix).append(device_id);
  return Of(spelled);
}

SubjectId Pseudonyms::OfAddress(std::string_view ip) const {
  SubjectId subject;
  if (ip.empty()) return subject;
  std::string spelled(kAddressPrefix);
  spelled.append(ip);
  ids_.Digest128(spelled, subject.bytes.data());  // past the cache: no address is kept
  return subject;
}

EventIdentity Pseudonyms::Resolve(const ParsedEvent& event, std::string_view client_ip) const {
  EventIdentity identity;
  if (event.device_id) identity.device = OfDevice(*event.device_id);
  if (event.user_id) identity.person = Of(*event.user_id);
  if (!identity.person.IsNobody()) return identity;
  if (!identity.device.IsNobody()) {
    identity.person = identity.device;
  } else if (!event.distinct_id) {
    identity.person =
        OfAddress(event.ip && !event.ip->empty() ? std::string_view(*event.ip) : client_ip);
  } else {
    identity.person = Of(*event.distinct_id);
    if (event.distinct_id->starts_with(kDevicePrefix)) identity.device = identity.person;
  }
  return identity;
}

uint64_t Pseudonyms::InsertId(std::string_view insert_id, int64_t time_ms) const {
  if (insert_id.empty()) return 0;
  const KeyedHash* hash = &insert_ids_;
  for (const OldInsertIds& old : old_insert_ids_) {
    if (time_ms < old.before_ms) {
      hash = &old.hash;
      break;
    }
  }
  const uint64_t fingerprint = hash->Digest64(insert_id);
  return fingerprint == 0 ? 1 : fingerprint;
}

}  // namespace bulkhead
