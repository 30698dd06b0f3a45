#pragma once

#include <dlfcn.h>

namespace lectio {

/// A shared library that is loaded when it is first asked for (dlopen(3)), so that a run without it does not pay for it
/// (docs/decisions/0021). It stays loaded: some, as OpenSSL beneath libpq, do not like to go. Its functions stand in a table
/// that is filled once:
///
///     #define LECTIO_LIBNAME(use) use(name_open) use(name_close)
///     struct Libname {
///         LECTIO_LIBNAME(LECTIO_FUNCTION)
///         const char* missing = nullptr;
///     };
///     const LoadedLibrary library("libname.so.1");
///     LECTIO_LIBNAME(LECTIO_FIND) // from `library` into `table`
class LoadedLibrary {
  public:
    /// `name` is a file's (libpq.so.5), looked for as the loader does. Not found is no error: see is_there().
    explicit LoadedLibrary(const char* name) : m_handle(::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {}

    [[nodiscard]] bool is_there() const { return m_handle != nullptr; }

    /// Puts the function `name` into `function`; null, and remembered as lacking(), where the library has none.
    template<class Function>
    void find(const char* name, Function*& function) {
        function = is_there() ? reinterpret_cast<Function*>(::dlsym(m_handle, name)) : nullptr;
        if (function == nullptr) {
            m_lacking = name;
        }
    }

    /// The name of a function that was looked for and not found; null: all were.
    [[nodiscard]] const char* lacking() const { return m_lacking; }

  private:
    void* m_handle;
    const char* m_lacking = nullptr;
};

} // namespace lectio

// A row of such a table, and its filling. decltype takes the type from the library's own header.
#define LECTIO_FUNCTION(name) decltype(&::name) name = nullptr;
#define LECTIO_FIND(name) library.find(#name, table.name);
