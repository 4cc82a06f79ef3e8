#include "main/seccomp_filter.h"

#include <gtest/gtest.h>
#include <seccomp.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "main/seccomp_calls.h"

namespace bulkhead {
namespace {

std::set<std::string> AllNames() {
  std::set<std::string> names;
  const SeccompAllowance everything{true, true, true};
  for (const SeccompGroup& group : AllowedGroups(everything)) {
    names.insert(group.calls.begin(), group.calls.end());
  }
  for (const ConditionalCall& call : ConditionalCalls(everything)) {
    names.insert(std::string(call.call));
  }
  names.insert(EndingCalls().begin(), EndingCalls().end());
  return names;
}

// A misspelt name would be left out of the filter without a word.
TEST(SeccompFilter, EveryNameIsASystemCall) {
  for (const std::string& name : AllNames()) {
    EXPECT_NE(seccomp_syscall_resolve_name(name.c_str()), __NR_SCMP_ERROR) << name;
  }
}

TEST(SeccompFilter, NoCallIsBothAllowedAndEnding) {
  const SeccompAllowance everything{true, true, true};
  std::set<std::string_view> allowed;
  for (const SeccompGroup& group : AllowedGroups(everything)) {
    for (const std::string_view call : group.calls) {
      EXPECT_TRUE(allowed.insert(call).second) << call << " twice";
    }
  }
  for (const ConditionalCall& call : ConditionalCalls(everything)) {
    EXPECT_FALSE(allowed.contains(call.call)) << call.call << " is free already";
  }
  for (const std::string_view call : EndingCalls()) EXPECT_FALSE(allowed.contains(call)) << call;
}

TEST(SeccompFilter, LessAllowanceMeansFewerCalls) {
  const auto names = [](const SeccompAllowance& allowance) {
    std::set<std::string_view> calls;
    for (const SeccompGroup& group : AllowedGroups(allowance)) {
      calls.insert(group.calls.begin(), group.calls.end());
    }
    for (const ConditionalCall& call : ConditionalCalls(allowance)) calls.insert(call.call);
    return calls;
  };
  for (const char* call : {"pwrite64", "unlink", "accept4", "connect", "socket"}) {
    EXPECT_FALSE(names({}).contains(call)) << call;
  }
  EXPECT_TRUE(names({true, false, false}).contains("pwrite64"));
  EXPECT_TRUE(names({false, true, false}).contains("accept4"));
  EXPECT_TRUE(names({false, false, true}).contains("socket"));
}

TEST(SeccompFilter, TheDocumentNamesEveryCall) {
  std::ifstream file(std::string(BULKHEAD_SOURCE_DIR) + "/docs/confinement.md");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  for (const std::string& name : AllNames()) {
    EXPECT_NE(text.find("`" + name + "`"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace bulkhead
