// The acts of a drill, in their order, on a stage; each takes down what it found in the report.
// Inside main/, for drill.cc.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "incident/drill_report.h"
#include "main/drill_stage.h"
#include "main/drill_thief.h"

namespace bulkhead {

class DrillRun {
 public:
  // `out`: where the report's files go. What happens is told on `told`.
  DrillRun(std::string out, std::FILE* told);

  // All acts but the report. kUnavailable: asked to stop.
  Result<void> Play(size_t events, size_t people);
  [[nodiscard]] const DrillReport& report() const { return report_; }
  // Says and takes down one act: `act` answers what came of it.
  Result<void> Act(const char* what, const char* mark,
                   const std::function<Result<std::string>()>& act);
  // Since the drill began.
  [[nodiscard]] double Now() const;
  void Finish() { report_.total_s = Now(); }

 private:
  Result<std::string> SetStage();
  Result<std::string> ImportMonth();
  Result<std::string> FeedVendor();
  Result<std::string> Steal();
  Result<std::string> Search();
  Result<std::string> WriteToCanaries();
  Result<std::string> SeeCanary();
  Result<std::string> AwaitIncident();
  Result<std::string> KillVendor();
  Result<std::string> OfferMore();
  Result<std::string> ReadExposure();
  Result<std::string> MatchFile();
  Result<std::string> CountDuties();
  Result<std::string> WriteDrafts();
  Result<std::string> CheckLedger();
  Result<std::string> WatchVendor();
  Result<std::string> ForgetEpoch();

  DrillReport report_;
  std::string out_;
  std::FILE* told_;
  int64_t began_ns_;
  size_t events_ = 0, people_ = 0;
  std::unique_ptr<DrillStage> stage_;
  std::vector<DemoItem> traffic_;
  std::set<std::string> canaries_, addresses_;
  std::string stolen_path_, incident_id_;
  double killed_s_ = 0;
};

}  // namespace bulkhead
