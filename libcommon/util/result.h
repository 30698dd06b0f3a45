// Result<T>: a value, or an Error that says in one line why there is none.
//
// std::expected is C++23 and absent in g++ 12 with -std=c++20, so these lines are our own. What can fail
// returns Result; exceptions of libraries are caught where the library is called and become an Error there.
// Bad news about a target is not an Error: it is a CheckResult. An Error means that *we* could not do a
// thing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace lectio {

enum class ErrorKind {
    not_found,  // the file, unit, name … is not there: often a normal answer
    permission, // EACCES, EPERM: needs other rights
    invalid,    // malformed content or argument
    busy,       // somebody else holds it
    timeout,    // did not happen in time
    no_space,   // ENOSPC, EDQUOT, out of inodes
    too_large,  // over a stated limit
    io,         // any other failure of the operating system
    protocol,   // a peer said something it must not say
    internal,   // our own fault: a bug, or no memory and no descriptors left to work with
};

struct Error { // NOLINT(clang-analyzer-core.uninitialized.Assign): see .clang-tidy
    ErrorKind kind = ErrorKind::internal;
    std::string message; // "unable to open /x: Permission denied"; never holds a secret
};

template<class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : m_state(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : m_state(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const { return m_state.index() == 0; }
    explicit operator bool() const { return ok(); }

    // Only with ok(): anything else is a bug and ends the process (std::get throws, nobody catches).
    [[nodiscard]] T& value() & { return std::get<0>(m_state); }
    [[nodiscard]] const T& value() const& { return std::get<0>(m_state); }
    [[nodiscard]] T&& value() && { return std::get<0>(std::move(m_state)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    [[nodiscard]] const Error& error() const { return std::get<1>(m_state); }
    [[nodiscard]] T value_or(T other) const& { return ok() ? value() : std::move(other); }

  private:
    std::variant<T, Error> m_state;
};

template<>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : m_error(std::move(error)) {}

    [[nodiscard]] bool ok() const { return !m_error.has_value(); }
    explicit operator bool() const { return ok(); }
    [[nodiscard]] const Error& error() const { return m_error.value(); }

  private:
    std::optional<Error> m_error;
};

// errno in words, in one place: "unable to WHAT: No space left on device".
Error errno_error(std::string_view what, int error_number);
ErrorKind kind_of_errno(int error_number);

// LECTIO_TRY(expression): leaves the function with its Error when the expression failed.
#define LECTIO_TRY(expression)                                                                               \
    do {                                                                                                     \
        if (auto&& lectio_try_result = (expression); !lectio_try_result.ok()) {                              \
            return lectio_try_result.error();                                                                \
        }                                                                                                    \
    } while (false)

} // namespace lectio
