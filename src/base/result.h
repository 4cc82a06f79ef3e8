// Result<T>: a value or an Error, which the compiler does not let a caller ignore. Its words are
// those of C++23's std::expected, so that it can become std::expected.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace bulkhead {

// Who must act on an error.
enum class ErrorCode {
  kInvalid = 1,  // the caller sent something wrong
  kNotFound,     // the caller named something that is not there
  kDenied,       // the caller may not do this
  kLimit,        // a stated limit was reached; the caller may try again later or send less
  kUnavailable,  // the operator: disk full, file system error, a part that is not running
  kCorruption,   // bytes on disk are not what was written
  kBug,          // a mistake of ours
};

// The message says what is wrong and where; it never holds data of a user.
struct Error {
  ErrorCode code = ErrorCode::kBug;
  std::string message;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    Check(has_value(), "Result::value() on an error");
    return std::get<0>(state_);
  }
  const T& value() const& {
    Check(has_value(), "Result::value() on an error");
    return std::get<0>(state_);
  }
  T&& value() && {
    Check(has_value(), "Result::value() on an error");
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    Check(!has_value(), "Result::error() on a value");
    return std::get<1>(state_);
  }
  Error&& error() && {
    Check(!has_value(), "Result::error() on a value");
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : failed_(true), error_(std::move(error)) {}  // NOLINT: implicit on purpose

  [[nodiscard]] bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  void value() const { Check(!failed_, "Result::value() on an error"); }
  const Error& error() const& {
    Check(failed_, "Result::error() on a value");
    return error_;
  }

 private:
  bool failed_ = false;
  Error error_;
};

}  // namespace bulkhead
