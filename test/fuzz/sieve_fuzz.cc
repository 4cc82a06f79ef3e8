// Any name and any text through the sieve: it must end, must not crash, and must find nothing more
// in what it let through.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "crypto/crypto.h"
#include "sieve/sieve.h"

namespace {

const bulkhead::Sieve& FuzzedSieve() {
  static const bulkhead::Sieve* const sieve = [] {
    bulkhead::InitCrypto();
    static const bulkhead::KeyedHash key{
        bulkhead::SecretBytes(std::string_view("fuzz-key-fuzz-key-fuzz-key-fuzz!"))};
    auto made = bulkhead::Sieve::Create({"", "", &key});
    bulkhead::Check(made.has_value(), "the sieve is made");
    return std::move(made).value().release();
  }();
  return *sieve;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t split = input.find('\n');
  const std::string name(input.substr(0, split));
  const std::string text(split == std::string_view::npos ? input : input.substr(split + 1));
  // Under the name as sent both times: a cleaned name may decide otherwise.
  const auto cleaned = [&name](bulkhead::Value value) {
    bulkhead::ValueObject properties;
    properties.emplace_back(name, std::move(value));
    bulkhead::CleanOutcome outcome;
    FuzzedSieve().CleanEventProperties(&properties, &outcome);
    return properties.empty() ? bulkhead::Value() : std::move(properties.front().second);
  };
  const bulkhead::Value once = cleaned(bulkhead::Value(text));
  bulkhead::Check(cleaned(once) == once, "cleaning twice changes nothing");
  return 0;
}
