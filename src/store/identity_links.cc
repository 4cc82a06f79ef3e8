#include "store/identity_links.h"

#include <unordered_set>
#include <utility>

namespace bulkhead {

bool IdentityLinks::Add(const IdentityLink& link) {
  const std::vector<SubjectId>* own_devices = devices_of_.Find(link.device);
  if (link.device.IsNobody() || link.user.IsNobody() || link.device == link.user ||
      user_of_.Find(link.device) != nullptr || (own_devices != nullptr && !own_devices->empty())) {
    return false;
  }
  // One step for ever: the user has none above, and as it has a device now, never will.
  IdentityLink direct = link;
  direct.user = Canonical(link.user);
  links_.push_back(direct);
  user_of_.At(direct.device) = direct.user;
  devices_of_.At(direct.user).push_back(direct.device);
  return true;
}

void IdentityLinks::Erase(const std::vector<SubjectId>& ids) {
  const std::unordered_set<SubjectId, SubjectIdHash> all(ids.begin(), ids.end());
  const auto erased = [&](const SubjectId& id) { return all.contains(id); };
  for (IdentityLink& link : links_) {
    if (erased(link.device) || erased(link.user)) {
      user_of_.Erase(link.device);
      if (devices_of_.Find(link.user) != nullptr) {
        std::erase(devices_of_.At(link.user), link.device);
      }
      link = IdentityLink();
    }
  }
  for (const SubjectId& id : ids) {
    devices_of_.Erase(id);
  }
}

SubjectId IdentityLinks::Canonical(const SubjectId& id) const { return CanonicalIn(user_of_, id); }

std::vector<SubjectId> IdentityLinks::LinkedDevices(const SubjectId& user) const {
  return LinkedDevicesIn(devices_of_, user);
}

void IdentityLinks::Restore(std::vector<IdentityLink> links) {
  for (const IdentityLink& link : links) {
    if (!Add(link)) {
      links_.push_back(IdentityLink());  // erased, or not acceptable: the numbers stay
    }
  }
}

}  // namespace bulkhead
