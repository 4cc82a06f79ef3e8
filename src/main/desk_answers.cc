#include "main/desk_answers.h"

#include <fmt/format.h>

#include "base/base64.h"

namespace bulkhead {

std::string RecordJson(const IncidentVersion& version) {
  return fmt::format(R"("{}")", Base64Encode(EncodeIncidentVersion(version)));
}

Result<std::string> RecordAnswer(const Result<IncidentVersion>& version) {
  return version ? fmt::format(R"({{"record":{}}})", RecordJson(*version))
                 : Result<std::string>(version.error());
}

}  // namespace bulkhead
