// Every limit of the product in one place, each with its reason. Names end in their unit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bulkhead::limits {

// --- Requests (Mixpanel's published limits unless said otherwise) ---
inline constexpr size_t kMaxRequestLineBytes =
    64UL * 1024;  // node sends events by GET; the contract asks for >= 64 KB
inline constexpr size_t kMaxHeaderBytes = 96UL * 1024;       // request line plus ordinary headers
inline constexpr size_t kMaxBodyBytes = 10UL * 1024 * 1024;  // as sent, compressed or not
inline constexpr size_t kMaxInflatedBytes = 10UL * 1024 * 1024;  // after gzip: a bomb stops here
inline constexpr size_t kMaxEventsPerRequest = 2000;
inline constexpr size_t kMaxProfileUpdatesPerRequest = 2000;
inline constexpr size_t kMaxEventBytes = 1024UL * 1024;  // one event's JSON
inline constexpr size_t kMaxPropertiesPerEvent = 255;
inline constexpr size_t kMaxKeysPerObject = 255;
inline constexpr size_t kMaxElementsPerList = 255;
inline constexpr int kMaxNestingDepth = 3;
inline constexpr size_t kMaxStringBytes = 255;  // event strings are cut here, at a UTF-8 boundary
inline constexpr size_t kMaxPropertyNameBytes = 255;
inline constexpr size_t kMaxEventNameBytes = 255;
inline constexpr size_t kMaxEventCompositeBytes =
    8UL * 1024;  // one list or object value on an event
inline constexpr size_t kMaxProfileCompositeBytes =
    256UL * 1024;  // one list or object value on a profile
inline constexpr size_t kMaxInsertIdBytes = 36;
inline constexpr int64_t kMinEventTimeMs = 31536000000;  // 1971-01-01
inline constexpr int64_t kMaxEventFutureMs = 3600 * 1000;
inline constexpr int64_t kMaxTrackAgeMs =
    5LL * 24 * 3600 * 1000;  // /track takes the last five days only
inline constexpr size_t kMaxExpressionBytes = 16UL * 1024;
inline constexpr int kMaxExpressionDepth = 64;
inline constexpr int kHeaderTimeoutSeconds = 10;  // slowloris: all headers within this
inline constexpr int kBodyTimeoutSeconds = 60;
inline constexpr int kIdleTimeoutSeconds = 120;
inline constexpr size_t kMaxConnections = 4096;

// --- Log ---
inline constexpr size_t kMaxLogRecordBytes = 32UL * 1024 * 1024;    // one accepted request, encoded
inline constexpr uint64_t kLogFileBytes = 64UL * 1024 * 1024;       // roll to a new file past this
inline constexpr uint64_t kMinFreeDiskBytes = 256UL * 1024 * 1024;  // below this intake answers 503

// --- Store ---
inline constexpr size_t kMemtableFlushRows =
    1'000'000;                                       // rows in memory before a segment is written
inline constexpr size_t kMaxPropertyColumns = 4096;  // distinct property names in a project
inline constexpr size_t kMaxEventNames = 5000;       // distinct event names in a project

inline constexpr uint64_t kMaxStoreLagBytes =
    512UL * 1024 * 1024;  // of log that a quiet project may keep from being trimmed

// --- Query ---
inline constexpr size_t kMaxFunnelSteps = 64;
inline constexpr size_t kMaxSegmentsInReport = 10000;
inline constexpr size_t kMaxReportBytes =
    512UL * 1024 * 1024;  // what one report's counting may take, all threads together
inline constexpr size_t kMaxAskedPersons = 2000;  // by name, in one question
inline constexpr size_t kMaxAskedIdBytes = 320;   // of each; the longest address has 254
inline constexpr size_t kMaxExportRows = 100000;  // when the caller gives a limit parameter

// --- Reveals: distinct subjects a day (docs/vault.md) ---
inline constexpr uint64_t kSubjectsRevealedPerActorAndDay = 200;  // a day of support work
inline constexpr uint64_t kSubjectsRevealedPerDay = 5000;  // of all together: a request for access
                                                           // may name 2000

}  // namespace bulkhead::limits
