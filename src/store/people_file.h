// Identity links, profiles and groups in one file, as of one moment (docs/formats/manifest.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "store/identity_links.h"
#include "store/profiles.h"

namespace bulkhead {

struct PeopleState {
  std::vector<IdentityLink> links;
  std::shared_ptr<const Profiles::People::View> people;
  std::shared_ptr<const Profiles::Groups::View> groups;
};

// Durable when this returns, the name after the directory is synced. The result is the key that
// opens it.
Result<SecretBytes> WritePeopleFile(FileSystem& fs, const std::string& path,
                                    const PeopleState& state);

// Into empty ones. An empty `key` is that of a plain file.
Result<void> ReadPeople(std::string_view file, const SecretBytes& key, IdentityLinks* links,
                        Profiles* profiles);

}  // namespace bulkhead
