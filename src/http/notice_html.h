// The page /notice as HTML and its answers as JSON. Everything that comes from elsewhere is
// escaped. Pure.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"
#include "incident/notice_statement.h"

namespace bulkhead {

// What stands above the form.
enum class NoticeHint : unsigned char { kNone = 0, kMistyped, kIncomplete, kBusy, kNotNow };

// With its headers: nothing may be loaded, framed, kept or referred from.
HttpResponse NoticeForm(int status, NoticeHint hint, const NoticeQuestion& typed);
HttpResponse NoticeResult(const NoticeAnswer& answer);

std::string SignatureText(const Signature& signature);  // in base64
std::string NoticeJson(const NoticeAnswer& answer);

}  // namespace bulkhead
