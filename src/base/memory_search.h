// For tests: copies of a text in the writable memory of this process.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/sanitized.h"

namespace bulkhead {

inline constexpr char kVeil = 0x55;
inline constexpr size_t kLargestMapping = 256UL * 1024 * 1024;

// A text that stands nowhere in one piece; `text` itself is wiped.
inline std::string Veiled(std::string text) {
  std::string veiled = text;
  for (char& c : veiled) c = static_cast<char>(c ^ kVeil);
  explicit_bzero(text.data(), text.size());
  return veiled;
}

inline void Unveil(const std::string& veiled, char* out) {
  for (size_t i = 0; i < veiled.size(); ++i) out[i] = static_cast<char>(veiled[i] ^ kVeil);
}

inline bool StandsAt(const char* at, const std::string& veiled) {
  for (size_t i = 0; i < veiled.size(); ++i) {
    if (at[i] != static_cast<char>(veiled[i] ^ kVeil)) return false;
  }
  return true;
}

// In the writable memory of this process; `buffer` itself never counts.
inline size_t Copies(const std::string& veiled) {
  std::ifstream maps("/proc/self/maps");
  std::ifstream memory("/proc/self/mem", std::ios::binary);
  static std::vector<char> buffer(1 << 20);
  size_t copies = 0;
  for (std::string line; std::getline(maps, line);) {
    uint64_t begin = 0;
    uint64_t end = 0;
    char rights[8] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %7s", &begin, &end, rights) != 3) continue;
    if (std::strncmp(rights, "rw", 2) != 0 || end - begin > kLargestMapping) continue;
    for (uint64_t at = begin; at < end; at += buffer.size() - veiled.size()) {
      const auto here = reinterpret_cast<uint64_t>(buffer.data());
      memory.clear();
      memory.seekg(static_cast<std::streamoff>(at));
      memory.read(buffer.data(),
                  static_cast<std::streamsize>(std::min<uint64_t>(buffer.size(), end - at)));
      const auto got = static_cast<size_t>(memory.gcount());
      for (size_t i = 0; i + veiled.size() <= got; ++i) {
        const uint64_t address = at + i;
        if (address + veiled.size() > here && address < here + buffer.size()) continue;
        copies += StandsAt(buffer.data() + i, veiled) ? 1 : 0;
      }
    }
    std::memset(buffer.data(), 0, buffer.size());
  }
  return copies;
}

}  // namespace bulkhead
