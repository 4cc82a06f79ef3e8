// Joins intake's question "whose token is this?" with access's catalogue; the two rooms are
// siblings.
#pragma once

#include "access/catalogue.h"
#include "intake/intake.h"

namespace bulkhead {

class CatalogueLookup final : public ProjectLookup {
 public:
  explicit CatalogueLookup(const Catalogue* catalogue) : catalogue_(catalogue) {}

  [[nodiscard]] std::optional<ProjectId> FindByToken(std::string_view token) const override {
    const std::optional<Project> project = catalogue_->FindProjectByToken(token);
    return project ? std::optional(project->id) : std::nullopt;
  }
  [[nodiscard]] Result<ProjectId> FindByServiceAccount(
      std::string_view username, std::string_view secret,
      std::optional<ProjectId> project) const override {
    return catalogue_->VerifyServiceAccount(username, secret, project);
  }

 private:
  const Catalogue* catalogue_;
};

}  // namespace bulkhead
