// Which device became whose: the first link of a device stays. There are no chains, whatever the
// log holds: a device named as a user stands for its own user, and what is somebody's user becomes
// nobody's device. So every id is at most one step from its person, and an event costs one look.
// Links have numbers in the order of the log, so that a segment can say how many of them its rows
// reflect. Not thread-safe; views are.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/ids.h"
#include "store/cow_map.h"

namespace bulkhead {

struct IdentityLink {
  SubjectId device;  // zero: a link that was erased; it keeps its number
  SubjectId user;    // no device of anybody
  int64_t time_ms = 0;
  uint64_t position = 0;  // of the log record
};

class IdentityLinks {
 public:
  using UserOf = CowMap<SubjectId, SubjectId, SubjectIdHash>;
  using DevicesOf = CowMap<SubjectId, std::vector<SubjectId>, SubjectIdHash>;

  // False: the device has a user already, or is one.
  bool Add(const IdentityLink& link);
  // Forgets all links to or from these ids.
  void Erase(const std::vector<SubjectId>& ids);

  [[nodiscard]] SubjectId Canonical(const SubjectId& id) const;
  [[nodiscard]] std::vector<SubjectId> LinkedDevices(const SubjectId& user) const;
  [[nodiscard]] const std::vector<IdentityLink>& links() const { return links_; }

  // Takes links as a file has them.
  void Restore(std::vector<IdentityLink> links);

  UserOf& user_of() { return user_of_; }
  DevicesOf& devices_of() { return devices_of_; }

 private:
  std::vector<IdentityLink> links_;
  UserOf user_of_;
  DevicesOf devices_of_;
};

// The same questions to any map or view.
template <typename UserOf>
SubjectId CanonicalIn(const UserOf& user_of, SubjectId id) {
  while (const SubjectId* user = user_of.Find(id)) {
    id = *user;
  }
  return id;
}
template <typename DevicesOf>
std::vector<SubjectId> LinkedDevicesIn(const DevicesOf& devices_of, const SubjectId& user) {
  std::vector<SubjectId> all;
  if (const std::vector<SubjectId>* devices = devices_of.Find(user)) {
    all = *devices;
  }
  for (size_t i = 0; i < all.size(); ++i) {
    if (const std::vector<SubjectId>* devices = devices_of.Find(all[i])) {
      all.insert(all.end(), devices->begin(), devices->end());
    }
  }
  return all;
}

}  // namespace bulkhead
