#include "main/core_projects.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "main/service_metrics.h"
#include "model/batch_codec.h"

namespace bulkhead {
namespace {

RetentionRules RulesOf(const RetentionPolicy& policy) {
  const auto days = [](int count) {
    return count > 0 ? std::optional<uint32_t>(count) : std::nullopt;
  };
  RetentionRules rules;
  rules.days = days(policy.days);
  for (const EventRetention& one : policy.events) {
    rules.events.push_back({one.event, days(one.days)});
  }
  return rules;
}

}  // namespace

Result<void> CoreProjects::Open(const DataDirectory& dir, const Catalogue& catalogue,
                                const CoreKeys& keys) {
  for (const Project& info : catalogue.ListProjects()) {
    StoreOptions options;
    options.fs = &RealFileSystem();
    options.dir = dir.Store(info.id);
    options.keys = &keys.store_keys;
    options.owner = std::to_string(info.id.value);
    Result<std::unique_ptr<Store>> store = Store::Open(options);
    if (!store) {
      return store.error();
    }
    Result<std::unique_ptr<SavedFunnels>> funnels =
        SavedFunnels::Open({.fs = &RealFileSystem(),
                            .path = dir.SavedFunnels(info.id),
                            .keys = &keys.store_keys,
                            .owner = options.owner});
    if (!funnels) {
      return funnels.error();
    }
    if (keys.store_keys.entries().size() > 1) {  // it was changed: nothing is to need the old one
      Result<void> wrapped = (*store)->RewrapAll(keys.store_keys);
      wrapped = wrapped ? (*funnels)->RewrapAll(keys.store_keys) : wrapped;
      if (!wrapped) {
        return wrapped;
      }
    }
    OpenProject& project = projects_[info.id];
    project.store = *std::move(store);
    project.engine =
        std::make_unique<QueryEngine>(project.store.get(), QueryOptions{.timezone = info.timezone});
    project.funnels = *std::move(funnels);
  }
  return {};
}

void CoreProjects::Follow(const Policy& policy) {
  for (const auto& [id, project] : projects_) {
    project.engine->SetSmallCount(policy.Of(id).small_count);
    const Result<void> set = project.store->SetRetention(RulesOf(policy.Of(id).retention));
    if (!set) {  // the policy's parser has the same limits
      spdlog::error("retention of project {}: {}", id.value, set.error().message);
    }
  }
}

Result<void> CoreProjects::Flush() {
  Result<void> all;
  for (const auto& [id, project] : projects_) {
    if (Result<void> flushed = project.store->Flush(); !flushed) {
      all = flushed;
    }
  }
  return all;
}

const CoreProjects::OpenProject* CoreProjects::Find(ProjectId project) const {
  const auto found = projects_.find(project);
  return found == projects_.end() ? nullptr : &found->second;
}

std::vector<ProjectId> CoreProjects::List() const {
  std::vector<ProjectId> all;
  all.reserve(projects_.size());
  for (const auto& [id, project] : projects_) {
    all.push_back(id);
  }
  return all;
}

Store* CoreProjects::store(ProjectId project) const {
  const OpenProject* found = Find(project);
  return found == nullptr ? nullptr : found->store.get();
}

QueryEngine* CoreProjects::engine(ProjectId project) const {
  const OpenProject* found = Find(project);
  return found == nullptr ? nullptr : found->engine.get();
}

SavedFunnels* CoreProjects::funnels(ProjectId project) const {
  const OpenProject* found = Find(project);
  return found == nullptr ? nullptr : found->funnels.get();
}

uint64_t CoreProjects::applied_position() const {
  uint64_t position = projects_.empty() ? 0 : UINT64_MAX;
  for (const auto& [id, project] : projects_) {
    position = std::min(position, project.store->applied_position());
  }
  return position;
}

uint64_t CoreProjects::durable_position() const {
  uint64_t position = projects_.empty() ? 0 : UINT64_MAX;
  for (const auto& [id, project] : projects_) {
    position = std::min(position, project.store->durable_position());
  }
  return position;
}

Result<void> CoreProjects::Apply(const std::string& payload, uint64_t position,
                                 uint64_t next_position) {
  Result<Batch> batch = DecodeBatch(payload);
  if (!batch) {
    return batch.error();
  }
  const OpenProject* project = Find(batch->project);
  return project == nullptr ? Result<void>()
                            : project->store->Apply(*batch, position, next_position);
}

void CoreProjects::AppendMetrics(std::string* out) const {
  for (const auto& [id, project] : projects_) {
    AppendStoreMetrics(id, project.store->stats(), out);
  }
}

}  // namespace bulkhead
