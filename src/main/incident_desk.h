// What egress answers to the operator's commands about incidents: one JSON object in, one JSON
// value out. Records and pages in it are base64 of what incident/incident_record.h and
// main/incident_pages.h encode. What makes a version, reads persons or is to be sent is written to
// the audit log before it happens or leaves.
//
//   incident-open      vendor, from, to, [epoch, title, organisation, project]: record
//                      kind and party in the place of vendor: a member (an actor of the audit log),
//                      a credential, an export (from and to are its own), ourselves (a part)
//                      file, sha256, bytes, records, genuine, subjects, canaries: a leaked file, of
//                      vendor and epoch; without from and to all that was sent in it
//   incident-list      record of each incident's last version
//   incident-read      id, [version]: record; with "all": all versions
//   incident-correct   id, why, [from, to, epoch, title, organisation]: record
//   incident-facts     id, base, facts, [why]: record; `base` is the version that was changed
//   incident-close     id, why: record
//   incident-subjects  id, [score, after]: a page of subjects by risk
//   incident-notices   id: record, and the entry that commits to the drafts made from it
//   incident-sources   vendors and epochs, and whether their ids can be computed
//   incident-ids       vendor, epoch, [after, subjects]: a page of the ids that the vendor knows
//   incident-canaries  vendor, epoch: ids and addresses of its canaries
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "audit/audit_entry.h"
#include "base/clock.h"
#include "base/result.h"
#include "egress/canary_sights.h"
#include "egress/ledger.h"
#include "egress/vendor_gateway.h"
#include "incident/exposure_survey.h"
#include "incident/incident_store.h"
#include "main/desk_command.h"
#include "main/incident_gather.h"
#include "main/residence.h"
#include "sieve/policy_follower.h"

namespace bulkhead {

// From the supervisor: who asks and the command (main/desk_command.h).
inline constexpr uint8_t kEgressIncidentCommand = 3;

// For so long after an incident was closed further sights of the same canaries open no other: what
// was stolen once is used again and again. They are counted and recorded all the same.
inline constexpr int kCanaryQuietDays = 30;

// Whether a command of the control socket is one of these: its "command" begins with "incident-".
bool IsIncidentCommand(std::string_view kind);

// Thread-safe; one command at a time.
class IncidentDesk {
 public:
  struct Parts {
    IncidentStore store;
    PolicyFollower policy;
    VendorGateway* gateway = nullptr;
    GatherParts gather;
    const Clock* clock = nullptr;
    std::function<Result<uint64_t>(const AuditEntry&)> record;
    std::function<Result<Residence>(const ResidenceRequest&)> residence;
  };
  explicit IncidentDesk(Parts parts) : parts_(std::move(parts)) {}

  // `body` as EncodeDeskCommand made it.
  Result<std::string> Answer(std::string_view body);

  // The incident that sights of this vendor's canaries of this epoch opened before, where it is
  // open or was closed less than kCanaryQuietDays ago; else a new one, of all that was sent in the
  // epoch up to today. Its name.
  Result<std::string> OpenForCanary(const CanarySights& sights);

 private:
  // Who does what: the action's name is without "incident.".
  struct Deed {
    std::string actor, action;
  };
  static Deed DeedOf(const DeskCommand& command);
  Result<std::string> Do(const DeskCommand& command);
  Result<std::string> Open(const DeskCommand& command);
  Result<std::string> Correct(const DeskCommand& command);
  Result<std::string> TakeFacts(const DeskCommand& command);
  Result<std::string> Close(const DeskCommand& command);
  [[nodiscard]] Result<std::string> List() const;
  [[nodiscard]] Result<std::string> ReadOut(const DeskCommand& command) const;
  Result<std::string> Subjects(const DeskCommand& command);
  Result<std::string> Notices(const DeskCommand& command);
  [[nodiscard]] Result<std::string> Sources() const;
  Result<std::string> VendorIds(const DeskCommand& command);
  Result<std::string> Canaries(const DeskCommand& command);

  // At whom it is opened, into `version`.
  Result<void> TakeParty(const DeskCommand& command, IncidentVersion* version) const;
  Result<void> TakeVendor(const DeskCommand& command, std::string vendor,
                          IncidentVersion* version) const;
  Result<void> TakeCredential(const DeskCommand& command, std::string name,
                              IncidentVersion* version) const;
  [[nodiscard]] bool IsVendor(const std::string& name) const;
  // kNotFound: there is no key of that epoch.
  [[nodiscard]] Result<EpochIds> IdsOf(const std::string& vendor, uint32_t epoch) const;

  [[nodiscard]] Result<IncidentVersion> LastOf(const DeskCommand& command) const;
  // The vendor's, as the policy in force says; the first one where it names no such vendor.
  [[nodiscard]] uint32_t ProjectOf(const std::string& vendor) const;
  [[nodiscard]] ExposedClasses ClassesOf(const IncidentVersion& version) const;
  Result<std::unique_ptr<ExposureSource>> SourceOf(const Deed& deed,
                                                   IncidentVersion* version) const;
  Result<void> Survey(const Deed& deed, IncidentVersion* version) const;
  Result<void> Survey(const ExposureSource& source, IncidentVersion* version) const;
  // The version after `before`, written down and kept.
  Result<IncidentVersion> Keep(const Deed& deed, const IncidentVersion* before,
                               IncidentVersion version);
  Result<uint64_t> Record(const Deed& deed, const IncidentVersion& version,
                          std::string_view outcome);
  [[nodiscard]] Result<std::string> OpenedForCanary(const std::string& actor,
                                                    const CanarySights& sights) const;

  Parts parts_;
  std::mutex mutex_;
};

}  // namespace bulkhead
