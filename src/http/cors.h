// Credentialed cross-origin requests for the ingest paths only: any site may send events, no site
// may read answers of the query faces with a member's credentials.
#pragma once

#include "http/message.h"

namespace bulkhead {

// Adds the headers to an answer where the request names an origin.
void AllowOrigin(const HttpRequest& request, HttpResponse* response);

// The answer to OPTIONS.
HttpResponse PreflightResponse(const HttpRequest& request);

}  // namespace bulkhead
