#include "main/project_lookup.h"

#include "main/operator_account.h"

namespace bulkhead {

std::optional<ProjectId> CatalogueLookup::FindByToken(std::string_view token) const {
  const std::optional<Project> project = catalogue_->FindProjectByToken(token);
  return project ? std::optional(project->id) : std::nullopt;
}

Result<ProjectId> CatalogueLookup::FindByServiceAccount(std::string_view username,
                                                        std::string_view secret,
                                                        std::optional<ProjectId> project) const {
  return username.starts_with(kOperatorPrefix)
             ? FindForOperator(secret, project)
             : catalogue_->VerifyServiceAccount(username, secret, project);
}

Result<ProjectId> CatalogueLookup::FindForOperator(std::string_view secret,
                                                   std::optional<ProjectId> project) const {
  if (operator_hash_.empty() ||
      !ConstantTimeEqual(OperatorAccount::HashOf(secret), operator_hash_)) {
    return Error{ErrorCode::kDenied, ""};
  }
  if (project) {
    return catalogue_->GetProject(*project) ? Result<ProjectId>(*project)
                                            : Error{ErrorCode::kDenied, ""};
  }
  const std::vector<Project> projects = catalogue_->ListProjects();
  return projects.empty() ? Result<ProjectId>(Error{ErrorCode::kDenied, ""}) : projects.front().id;
}

}  // namespace bulkhead
