// Properties of people and of groups in memory. Applying follows Mixpanel's operators:
//   set overwrites; set_once keeps what is there; add sums numbers, absent = 0, and leaves what is
//   no number alone; append and union make or extend a list, union without repeats; remove takes a
//   value out of a list; unset removes properties; delete removes the profile.
// An operator that does not fit what is there changes nothing. Not thread-safe; views are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bit_mix.h"
#include "model/event.h"
#include "store/cow_map.h"

namespace bulkhead {

struct GroupId {
  std::string key;
  std::string id;
  friend bool operator==(const GroupId&, const GroupId&) = default;
};
struct GroupIdHash {
  size_t operator()(const GroupId& group) const {
    return HashBytes(group.key) * 31 + HashBytes(group.id);
  }
};

class Profiles {
 public:
  using Object = std::shared_ptr<const ValueObject>;
  using People = CowMap<SubjectId, Object, SubjectIdHash>;
  using Groups = CowMap<GroupId, Object, GroupIdHash>;

  // `subject` is who the update's subject counts as; for groups it is not used.
  void Apply(const ProfileUpdate& update, const SubjectId& subject);
  void Erase(const SubjectId& person) { people_.Erase(person); }

  People& people() { return people_; }
  Groups& groups() { return groups_; }
  [[nodiscard]] size_t size() const { return people_.size(); }

 private:
  People people_;
  Groups groups_;
};

// The update's effect on one profile. False: nothing changed.
bool ApplyOperator(const ProfileUpdate& update, ValueObject* profile);

// "YYYY-MM-DDTHH:MM:SS", UTC.
std::string ProfileTime(int64_t time_ms);

}  // namespace bulkhead
