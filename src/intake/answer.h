// What each SDK wants to read: "1", {"status":1,...}, /import's JSON, a pixel, JSONP or a redirect.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "intake/intake.h"
#include "wire/payload.h"
#include "wire/record_error.h"

namespace bulkhead {

enum class AnswerStyle : unsigned char { kPlain, kVerbose, kImport };

struct AnswerForm {
  AnswerStyle style = AnswerStyle::kPlain;
  bool image = false;
  std::string callback;
  std::string redirect;
};

// Fails (kInvalid) where the callback could be turned against a browser. A redirect that leads
// elsewhere is not followed: the answer is the plain or verbose body.
Result<AnswerForm> ChooseAnswer(const IngestRequest& request, const Payload& payload);

struct Outcome {
  size_t accepted = 0;  // records, those dropped by $ignore among them
  std::vector<RecordError> errors;
};

IngestResponse AnswerOutcome(const AnswerForm& form, const Outcome& outcome);
// The request as a whole was refused. kInvalid is answered in the form's style, the rest by HTTP
// status.
IngestResponse AnswerError(const AnswerForm& form, const Error& error);
// Credentials that are not looked at now, right ones among them: to be sent again, not given up.
IngestResponse AnswerTooManyLogins();

}  // namespace bulkhead
