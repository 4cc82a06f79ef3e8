// What a Snapshot shares. Immutable once made.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "store/identity_links.h"
#include "store/profiles.h"
#include "store/source_state.h"

namespace bulkhead {

struct SnapshotState {
  uint64_t position = 0;
  std::vector<SourceState> sources;  // by order of arrival
  std::shared_ptr<const IdentityLinks::UserOf::View> user_of;
  std::shared_ptr<const IdentityLinks::DevicesOf::View> devices_of;
  std::shared_ptr<const Profiles::People::View> people;
  std::shared_ptr<const Profiles::Groups::View> groups;
};

}  // namespace bulkhead
