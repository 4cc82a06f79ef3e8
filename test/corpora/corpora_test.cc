// Recall of the sieve on corpora of secrets and personal data, in the shapes in which they reach an
// analytics server. The figures stand in docs/detectors.md.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "corpora/literals.h"
#include "corpora/recall_table.h"
#include "corpora/shapes.h"
#include "sieve/sieve_fixture.h"

namespace bulkhead::corpora {
namespace {

constexpr double kPrefixedTarget = 99;
constexpr double kOverAllTarget = 97;

std::string PublicPath() {
  const char* path = std::getenv("BULKHEAD_CORPORA");
  return path != nullptr ? path : BULKHEAD_SOURCE_DIR "/build/data/corpora.tsv";
}

bool IsTouched(const Literal& literal) {
  ValueObject properties;
  properties.emplace_back("note", Value(literal.text));
  return CleanedJson(properties) != ToJson(Value(properties));
}

// `missed`: an example of each rule, for whoever has to mend it.
RecallTable Measure(const std::vector<Literal>& literals,
                    std::map<std::string, std::string>* missed) {
  RecallTable table;
  for (const Literal& literal : literals) {
    if (!literal.positive) {
      table.AddNegative(literal, IsTouched(literal));
      continue;
    }
    const Search search(literal);
    for (const Shape& shape : Shapes()) {
      const std::string cleaned = CleanedJson(shape.wrap(literal, literal.text));
      const bool found = !search.StillHolds(cleaned);
      table.AddPositive(literal, shape.name, found);
      if (!found && literal.group != Group::kOutside)
        missed->emplace(literal.corpus + " " + literal.rule,
                        std::string(shape.name) + ": " + cleaned.substr(0, 200));
    }
  }
  return table;
}

// What stands between the page's marks `name`:begin and `name`:end; `written` takes its place where
// the environment asks for it.
std::string InDocs(const std::string& name, const std::string& written) {
  const std::string path = BULKHEAD_SOURCE_DIR "/docs/detectors.md";
  std::ifstream in(path);
  std::string page((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::string opening = "<!-- " + name + ":begin -->\n";
  const size_t begin = page.find(opening);
  const size_t end = page.find("<!-- " + name + ":end -->");
  if (begin == std::string::npos || end == std::string::npos) return "no marks for " + name;
  const size_t from = begin + opening.size();
  if (std::getenv("BULKHEAD_WRITE_DOCS") != nullptr) {
    page.replace(from, end - from, written);
    std::ofstream(path) << page;
    return written;
  }
  return page.substr(from, end - from);
}

void ExpectTargets(const RecallTable& table, const std::map<std::string, std::string>& missed) {
  const bool met = table.Of("", Group::kPrefixed).percent() >= kPrefixedTarget &&
                   table.OverAll().percent() >= kOverAllTarget;
  EXPECT_TRUE(met) << table.Markdown();
  if (met) return;
  for (const auto& [rule, example] : missed) ADD_FAILURE() << rule << ": " << example;
}

TEST(CorporaTest, OwnLiteralsAreFoundInEveryShape) {
  const std::vector<Literal> literals = MakeOwnLiterals();
  ASSERT_GT(literals.size(), 800U);
  std::map<std::string, std::string> missed;
  const RecallTable table = Measure(literals, &missed);
  ExpectTargets(table, missed);
  EXPECT_EQ(InDocs("own corpus", table.Markdown()), table.Markdown());
}

// The canary: were the search to find nothing, every figure would be perfect.
TEST(CorporaTest, WhatIsNotCleanedIsSeen) {
  for (const Literal& literal : MakeOwnLiterals()) {
    const Search search(literal);
    for (const Shape& shape : Shapes()) {
      const std::string as_sent = ToJson(Value(shape.wrap(literal, literal.text)));
      EXPECT_TRUE(search.StillHolds(as_sent)) << shape.name << ": " << as_sent;
    }
  }
}

TEST(CorporaTest, PublicCorpora) {
  const std::vector<Literal> literals = ReadPublicLiterals(PublicPath());
  if (literals.empty())
    GTEST_SKIP() << "no corpora at " << PublicPath()
                 << "; test/corpora/README.md says how to read them";
  std::map<std::string, std::string> missed;
  const RecallTable table = Measure(literals, &missed);
  ExpectTargets(table, missed);
  EXPECT_EQ(InDocs("public corpora", table.Markdown()), table.Markdown());
}

}  // namespace
}  // namespace bulkhead::corpora
