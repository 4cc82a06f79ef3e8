#include "access/timezone_name.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace bulkhead {
namespace {

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '+' || c == '/';
}

}  // namespace

bool IsTimezoneName(std::string_view name) {
  if (name == "UTC") {
    return true;
  }
  // No dot is a name character, so that no name leads out of the directory.
  if (name.empty() || name.size() > 64 || name.front() == '/' ||
      !std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    return false;
  }
  std::ifstream file("/usr/share/zoneinfo/" + std::string(name), std::ios::binary);
  char magic[4] = {};
  return file.read(magic, sizeof(magic)) && std::string_view(magic, 4) == "TZif";
}

}  // namespace bulkhead
