// The stage of a drill: a throwaway data directory with a policy, and three processes of this
// program on loopback: the server, the stand-in vendor, and the sink for canaries' mail.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "main/data_directory.h"
#include "main/demo_traffic.h"
#include "main/drill_process.h"
#include "main/http_client.h"
#include "main/reached_server.h"
#include "main/temporary_directory.h"

namespace bulkhead {

inline constexpr const char* kDrillVendor = "hosted";
inline constexpr const char* kDrillCanaryDomain = "mail.brookfield.example";

// Of the vendor in a drill: what a platform of today would let through.
std::string DrillPolicy(uint16_t vendor_port);
// Whether that policy lets it through; every profile has something that goes.
bool DrillPolicyAllows(const DemoItem& item);

// How the vendor stands, as the server says.
struct DrillVendorState {
  bool known = false, waiting = false;
  uint64_t sent = 0;
};

// kUnavailable, when this process is asked to stop.
Result<void> CheckNotStopped();

class DrillStage {
 public:
  // Returns when all three run and the vendor has its credential.
  static Result<std::unique_ptr<DrillStage>> Set();
  ~DrillStage() = default;  // ends the processes, then removes the directory
  DrillStage(const DrillStage&) = delete;
  DrillStage& operator=(const DrillStage&) = delete;

  // A folder for files of the drill that goes with the stage.
  [[nodiscard]] std::string Path(const std::string& name) const {
    return base_.path() + "/" + name;
  }
  [[nodiscard]] const ReachedServer& server() const { return *server_; }
  [[nodiscard]] const std::string& token() const { return made_.token; }
  [[nodiscard]] std::string vendor_url() const;
  [[nodiscard]] const std::string& vendor_account() const { return vendor_account_; }
  [[nodiscard]] uint16_t mail_port() const { return mail_port_; }
  [[nodiscard]] const std::string& policy() const { return policy_; }

  // As the platform's own servers and SDKs send it, some hundred items a request.
  Result<void> Import(const std::vector<DemoItem>& traffic);
  // Until the vendor has taken at least so many messages, and no more come.
  Result<void> AwaitSent(uint64_t messages);
  [[nodiscard]] Result<DrillVendorState> VendorState() const;
  // Ids, without hyphens, of the present epoch's canaries.
  [[nodiscard]] Result<std::set<std::string>> Canaries() const;
  // What the sink says next; kUnavailable: nothing within ten seconds.
  Result<std::string> NextSight() { return sink_->ReadLine(10'000); }

 private:
  DrillStage(TemporaryDirectory base, DataDirectory dir)
      : base_(std::move(base)), dir_(std::move(dir)) {}
  Result<void> StartVendor();
  Result<void> StartServer();
  Result<void> StartSink();
  Result<void> Await(const char* what, const std::function<Result<bool>()>& is_so);
  Result<void> Send(HttpClient* client, const std::string& target, const std::string& body);

  TemporaryDirectory base_;
  DataDirectory dir_;
  InitResult made_;
  std::string policy_, vendor_account_, vendor_token_;
  uint16_t vendor_port_ = 0, mail_port_ = 0;
  std::unique_ptr<DrillProcess> vendor_process_, server_process_, sink_;
  std::optional<ReachedServer> server_;
};

}  // namespace bulkhead
