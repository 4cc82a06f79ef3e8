// A real store and engine that have been given a scenario, and the engine's answers in the oracles'
// form.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "oracle/oracles.h"
#include "query/engine.h"
#include "store/store.h"

namespace bulkhead::oracle {

class EngineWorld {
 public:
  explicit EngineWorld(const Scenario& scenario);
  ~EngineWorld();
  EngineWorld(const EngineWorld&) = delete;
  EngineWorld& operator=(const EngineWorld&) = delete;

  [[nodiscard]] const QueryEngine& engine() const { return *engine_; }

 private:
  std::filesystem::path dir_;
  ManualClock clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<QueryEngine> engine_;
};

FunnelAnswer EngineFunnel(const QueryEngine& engine, const FunnelReport& report);
RetentionAnswer EngineRetention(const QueryEngine& engine, const RetentionReport& report);
InsightsAnswer EngineInsights(const QueryEngine& engine, const InsightsReport& report);
InsightsAnswer EngineSegmentation(const QueryEngine& engine, const SegmentationRequest& request);
std::map<std::string, std::vector<uint64_t>> EngineAddiction(const QueryEngine& engine,
                                                             const AddictionRequest& request);

}  // namespace bulkhead::oracle
