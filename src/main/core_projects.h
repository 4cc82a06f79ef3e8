// The projects that core serves, each with its store, engine and saved funnels.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "access/catalogue.h"
#include "crypto/keys.h"
#include "main/data_directory.h"
#include "model/policy.h"
#include "query/engine.h"
#include "query/saved_funnels.h"
#include "store/store.h"

namespace bulkhead {

class CoreProjects {
 public:
  // `keys` outlives it.
  Result<void> Open(const DataDirectory& dir, const Catalogue& catalogue, const CoreKeys& keys);
  // Writes what is in memory, so that the next start has nothing to replay.
  Result<void> Flush();

  [[nodiscard]] std::vector<ProjectId> List() const;
  [[nodiscard]] Store* store(ProjectId project) const;
  [[nodiscard]] QueryEngine* engine(ProjectId project) const;
  [[nodiscard]] SavedFunnels* funnels(ProjectId project) const;

  // Where to follow the log from: what every store has applied. 0 without projects.
  [[nodiscard]] uint64_t applied_position() const;
  // The log may end before it.
  [[nodiscard]] uint64_t durable_position() const;
  // Hands the record's batch to its project's store; one of a project that is no more is passed
  // over.
  Result<void> Apply(const std::string& payload, uint64_t position, uint64_t next_position);
  // How long each project's events stay, and what shared reports show, from now on.
  void Follow(const Policy& policy);
  void AppendMetrics(std::string* out) const;

 private:
  struct OpenProject {
    std::unique_ptr<Store> store;
    std::unique_ptr<QueryEngine> engine;
    std::unique_ptr<SavedFunnels> funnels;
  };
  [[nodiscard]] const OpenProject* Find(ProjectId project) const;
  std::map<ProjectId, OpenProject> projects_;
};

}  // namespace bulkhead
