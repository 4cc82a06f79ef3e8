// Arbitrary bytes as the catalogue's file, and as the database inside a file that is made right: no
// crash, and what a store takes in it can write out and read again.
#include <cstdint>
#include <string>
#include <string_view>

#include "access/catalogue_store.h"
#include "base/check.h"
#include "base/faulty_file_system.h"

using namespace bulkhead;  // NOLINT

namespace {

const KeyRing& Keys() {
  static const KeyRing keys(SecretBytes(std::string(kKeyBytes, 'k')));
  return keys;
}

// The tables of an empty catalogue with some bytes changed: pairs of a place and a value.
std::string DamagedImage(std::string_view input) {
  static const std::string empty = CatalogueDatabase::Empty()->Image().value();
  std::string image = empty;
  for (size_t i = 0; i + 2 < input.size(); i += 3) {
    const size_t place = static_cast<uint8_t>(input[i]) * 256U + static_cast<uint8_t>(input[i + 1]);
    image[place % image.size()] = input[i + 2];
  }
  return image;
}

void UseAll(const std::string& file) {
  FaultyFileSystem fs;
  Check(fs.CreateDirs("/data").has_value(), "a directory in memory");
  Check(fs.WriteFileAtomically("/data/c", file).has_value(), "a file in memory");
  Result<CatalogueStore> store =
      CatalogueStore::Open(fs, "/data/c", Keys(), CatalogueMode::kReadWrite);
  if (!store) {
    return;
  }
  (void)store->database().Projects();
  (void)store->database().Accounts();
  const Result<void> changed = store->Change([](CatalogueDatabase& database) -> Result<void> {
    (void)database.RemoveAccount("nobody");
    const Result<uint32_t> id = database.InsertProject("name", "UTC", "token");
    return id ? Result<void>() : Result<void>(id.error());
  });
  if (changed) {
    Check(CatalogueStore::Open(fs, "/data/c", Keys(), CatalogueMode::kReadOnly).has_value(),
          "what was written can be read");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)DecodeCatalogue(Keys(), input);
  UseAll(std::string(input));
  UseAll(EncodeCatalogue(Keys(), 1, input));
  UseAll(EncodeCatalogue(Keys(), 1, DamagedImage(input)));
  return 0;
}
