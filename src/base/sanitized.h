// Whether this is a build for a sanitizer, which keeps memory of its own and a shadow of it.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BULKHEAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BULKHEAD_SANITIZED 1
#endif
#endif
#ifndef BULKHEAD_SANITIZED
#define BULKHEAD_SANITIZED 0
#endif

namespace bulkhead {

inline constexpr bool kSanitized = BULKHEAD_SANITIZED != 0;

}  // namespace bulkhead
