// What the sieve took out of an event stays nowhere in memory once the event is gone, in a process
// that wipes what it frees.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/memory_search.h"
#include "base/percent.h"
#include "base/wiped_heap.h"
#include "sieve/sieve_fixture.h"

namespace bulkhead {
namespace {

// Of each kind one that is redacted, one that is sealed, one that only its name gives away, one
// that is coarsened. Made character by character, so that the program's text does not hold them.
std::string Needle(int which, int round) {
  std::string core = std::to_string(round * 7 + which);
  for (int i = 0; i < 30; ++i)
    core.push_back(static_cast<char>('a' + (i * 11 + which * 5 + round * 3) % 26));
  return core;
}

struct Planted {
  const char* name;
  std::string before;
  std::string after;
};

const std::vector<Planted>& Places() {
  static const std::vector<Planted> places = {{"note", "ghp_", "x1"},
                                              {"note", "", "@example.org"},
                                              {"api_token", "", ""},
                                              {"user_agent", "Mozilla/5.0 (X11; ", ") App/1.0"},
                                              {"$email", "", "@example.org"},
                                              {"note", "Bearer ", "1"},
                                              {"page", "https://a.example/b?q=", "#c"},
                                              {"user_id", "", ""}};
  return places;
}

std::string Wrapped(const std::string& text, int wrapping) {
  if (wrapping == 1) return Base64Encode(text);
  if (wrapping == 2) return PercentEncode("{\"a\":\"" + text + "\"}");
  return text;
}

__attribute__((noinline)) void SendOne(const Planted& place, int which, int wrapping) {
  const std::string needle = Needle(which, wrapping);
  ValueObject properties;
  properties.emplace_back(place.name,
                          Value(Wrapped(place.before + needle + place.after, wrapping)));
  CleanOutcome outcome;
  TestSieve().CleanEventProperties(&properties, &outcome);
  EXPECT_FALSE(outcome.findings.empty()) << place.name << " " << wrapping;
}

// The needle itself, its middle and its encoded middle.
__attribute__((noinline)) std::vector<std::string> Sought(int which, int wrapping) {
  const std::string needle = Needle(which, wrapping);
  std::vector<std::string> veiled = {Veiled(needle.substr(2, 24))};
  if (wrapping == 1) {
    const Planted& place = Places()[static_cast<size_t>(which)];
    const std::string coded = Base64Encode(place.before + needle + place.after);
    veiled.push_back(Veiled(coded.substr(coded.size() / 2 - 12, 20)));
  }
  return veiled;
}

TEST(SieveMemoryTest, NothingOfWhatWasTakenOutIsLeft) {
  if (kSanitized) GTEST_SKIP() << "not with a sanitizer";
  TestSieve();
  WipeFreedMemory();
  for (int wrapping = 0; wrapping < 3; ++wrapping) {
    for (size_t which = 0; which < Places().size(); ++which) {
      SendOne(Places()[which], static_cast<int>(which), wrapping);
      const std::vector<std::string> sought = Sought(static_cast<int>(which), wrapping);
      WipeUnusedStack();
      for (const std::string& veiled : sought) {
        EXPECT_EQ(Copies(veiled), 0U)
            << Places()[which].name << " " << Places()[which].before << " " << wrapping;
      }
    }
  }
}

// Names are remembered, but for those that held something.
__attribute__((noinline)) std::string SendName(int round) {
  const std::string needle = Needle(round, 5);
  ValueObject properties;
  properties.emplace_back("opt ghp_" + needle + "x1", Value(true));
  properties.emplace_back("context", Value(ValueObject{{needle + "@example.org", Value(1.0)}}));
  std::string event = "Sent to " + needle + "@example.org";
  CleanOutcome outcome;
  TestSieve().CleanEventName(&event, &outcome);
  TestSieve().CleanEventProperties(&properties, &outcome);
  EXPECT_EQ(outcome.findings.size(), 3U);
  return Veiled(needle.substr(2, 24));
}

TEST(SieveMemoryTest, NamesThatHeldSomethingAreNotRemembered) {
  if (kSanitized) GTEST_SKIP() << "not with a sanitizer";
  TestSieve();
  WipeFreedMemory();
  const std::string sought = SendName(3);
  WipeUnusedStack();
  EXPECT_EQ(Copies(sought), 0U);
}

// The canary: a value that is kept is remembered as clean, and the search finds it.
TEST(SieveMemoryTest, TheSearchFindsWhatIsKept) {
  if (kSanitized) GTEST_SKIP() << "not with a sanitizer";
  const std::string kept = "Kept" + Needle(1, 9) + "/A1";
  EXPECT_GE(Copies(Veiled(kept)), 1U);
}

}  // namespace
}  // namespace bulkhead
