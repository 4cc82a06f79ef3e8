// Joins intake's question "whose token is this?" with access's catalogue; the two rooms are
// siblings. Knows the operator's own account, too, which is in no catalogue.
#pragma once

#include <string>

#include "access/catalogue.h"
#include "intake/intake.h"

namespace bulkhead {

class CatalogueLookup final : public ProjectLookup {
 public:
  // `operator_hash`: OperatorAccount::SecretHash; empty: there is no such account.
  CatalogueLookup(const Catalogue* catalogue, std::string operator_hash)
      : catalogue_(catalogue), operator_hash_(std::move(operator_hash)) {}

  [[nodiscard]] std::optional<ProjectId> FindByToken(std::string_view token) const override;
  [[nodiscard]] Result<ProjectId> FindByServiceAccount(
      std::string_view username, std::string_view secret,
      std::optional<ProjectId> project) const override;

 private:
  // Any project; where none is named, the first.
  [[nodiscard]] Result<ProjectId> FindForOperator(std::string_view secret,
                                                  std::optional<ProjectId> project) const;

  const Catalogue* catalogue_;
  std::string operator_hash_;
};

}  // namespace bulkhead
