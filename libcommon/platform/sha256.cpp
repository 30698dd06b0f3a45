#include "platform/sha256.h"

#include <array>
#include <stdexcept>

#include <openssl/evp.h>

namespace lectio {
namespace {

// Looked up once: for a small file the look-up would cost as much as the hash.
const EVP_MD* algorithm() {
    static const EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return found;
}

void require(bool done) {
    if (!done) {
        throw std::runtime_error("SHA-256 failed: out of memory");
    }
}

} // namespace

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
    EVP_MD_CTX_free(context);
}

Sha256::Sha256() : m_context(EVP_MD_CTX_new()) {
    begin();
}

void Sha256::begin() {
    require(m_context != nullptr && algorithm() != nullptr &&
            EVP_DigestInit_ex(m_context.get(), algorithm(), nullptr) == 1);
}

void Sha256::add(std::string_view bytes) {
    require(EVP_DigestUpdate(m_context.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    require(EVP_DigestFinal_ex(m_context.get(), digest.data(), &size) == 1);
    begin();
    constexpr std::string_view k_digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(std::size_t{size} * 2);
    for (unsigned i = 0; i < size; ++i) {
        hex += k_digits[digest[i] >> 4U];
        hex += k_digits[digest[i] & 15U];
    }
    return hex;
}

std::string sha256(std::string_view bytes) {
    Sha256 hash;
    hash.add(bytes);
    return hash.finish();
}

} // namespace lectio
