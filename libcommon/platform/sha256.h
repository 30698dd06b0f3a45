// SHA-256 (FIPS 180-4) of what comes in pieces, by OpenSSL.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace lectio {

class Sha256 {
  public:
    Sha256();
    void add(std::string_view bytes);
    // Of all that was added, as 64 hexadecimal digits; then it begins anew.
    std::string finish();

  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
    };
    void begin();
    std::unique_ptr<evp_md_ctx_st, Free> m_context;
};

std::string sha256(std::string_view bytes);

} // namespace lectio
