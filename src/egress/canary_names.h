// What canaries are called: given names and surnames that many people have, in the forms in which
// addresses are made of them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bulkhead {

struct InventedPerson {
  std::string first_name, last_name;
  std::string local_part;  // of the address: lower-case letters, digits, '.', '_'
};

// The same for the same digest; of equally spread digests, equally spread.
InventedPerson InventPerson(uint64_t digest);

}  // namespace bulkhead
