// The places and wrappings in which a secret reaches an analytics server.
#pragma once

#include <string>
#include <vector>

#include "corpora/literals.h"
#include "model/value.h"

namespace bulkhead::corpora {

struct Shape {
  const char* name;
  // The text that is wrapped: a prefixed or personal secret alone, a keyed one with what names it.
  ValueObject (*wrap)(const Literal& literal, const std::string& text);
};

const std::vector<Shape>& Shapes();

// Finds a literal in what was made of it.
class Search {
 public:
  explicit Search(const Literal& literal);
  // Whether the secret, a long piece of it, or the text under any one or two of the wrappings is
  // still there.
  [[nodiscard]] bool StillHolds(const std::string& cleaned_json) const;

 private:
  void Add(const std::string& form);

  std::vector<std::string> forms_;
};

std::string EscapedAll(const std::string& text);

}  // namespace bulkhead::corpora
