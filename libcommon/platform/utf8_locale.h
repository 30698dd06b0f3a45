// UTF-8 names for libraries that ask the locale (libarchive): in this thread alone, as long as the object lives.
#pragma once

#include <locale.h>

namespace lectio {

class Utf8Locale {
  public:
    Utf8Locale() : m_made(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) { // glibc 2.35 and later bring it
        m_before = m_made == nullptr ? nullptr : ::uselocale(m_made);
    }
    ~Utf8Locale() {
        if (m_made != nullptr) {
            ::uselocale(m_before);
            ::freelocale(m_made);
        }
    }
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;

  private:
    locale_t m_made = nullptr, m_before = nullptr;
};

} // namespace lectio
