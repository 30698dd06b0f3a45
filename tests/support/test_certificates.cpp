#include "support/test_certificates.h"

#include <memory>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace lectio {
namespace {

template<auto Function>
struct Deleter {
    template<class T>
    void operator()(T* object) const {
        Function(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

template<class T>
T must(T value) {
    if (!value) {
        throw std::runtime_error("OpenSSL refused to make a test certificate");
    }
    return value;
}

std::string text_of(const Bio& bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

Bio reading(const std::string& text) {
    return Bio(must(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))));
}

void add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>> extension(
        must(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())));
    must(X509_add_ext(certificate, extension.get(), -1));
}

std::string alternative_names(const CertificateWish& wish) {
    std::string names;
    for (const std::string& name : wish.names) {
        names += (names.empty() ? "DNS:" : ",DNS:") + name;
    }
    for (const std::string& address : wish.addresses) {
        names += (names.empty() ? "IP:" : ",IP:") + address;
    }
    return names;
}

void set_serial(X509* certificate) {
    unsigned char bytes[8];
    must(RAND_bytes(bytes, sizeof bytes));
    bytes[0] &= 0x7F;
    const std::unique_ptr<BIGNUM, Deleter<BN_free>> number(must(BN_bin2bn(bytes, sizeof bytes, nullptr)));
    must(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)));
}

Key make_key(const std::string& kind) {
    if (kind.starts_with("RSA-")) {
        return Key(must(EVP_RSA_gen(static_cast<unsigned>(std::stoul(kind.substr(4))))));
    }
    return Key(
        must(kind == "ED25519" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519") : EVP_EC_gen(kind.c_str())));
}

void sign(X509* certificate, EVP_PKEY* key, const std::string& digest) {
    const EVP_MD* with =
        EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : must(EVP_get_digestbyname(digest.c_str()));
    must(X509_sign(certificate, key, with));
}

} // namespace

TestCertificate make_certificate(const CertificateWish& wish, const TestCertificate* issuer) {
    const Key key = make_key(wish.key);
    const Certificate certificate(must(X509_new()));
    X509_set_version(certificate.get(), X509_VERSION_3);
    set_serial(certificate.get());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 3600L * wish.begins_in_hours);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600L * wish.ends_in_hours);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0);
    add_extension(certificate.get(), NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (const std::string names = alternative_names(wish); !names.empty() && !wish.authority) {
        add_extension(certificate.get(), NID_subject_alt_name, names);
    }
    if (!wish.extended_key_usage.empty()) {
        add_extension(certificate.get(), NID_ext_key_usage, wish.extended_key_usage);
    }
    if (!wish.name_constraints.empty()) {
        add_extension(certificate.get(), NID_name_constraints, "critical," + wish.name_constraints);
    }
    if (issuer == nullptr) {
        X509_set_issuer_name(certificate.get(), subject);
        sign(certificate.get(), key.get(), wish.digest);
    } else {
        const Certificate above(
            must(PEM_read_bio_X509(reading(issuer->pem).get(), nullptr, nullptr, nullptr)));
        const Key above_key(
            must(PEM_read_bio_PrivateKey(reading(issuer->key_pem).get(), nullptr, nullptr, nullptr)));
        X509_set_issuer_name(certificate.get(), X509_get_subject_name(above.get()));
        sign(certificate.get(), above_key.get(), wish.digest);
    }
    const Bio pem(must(BIO_new(BIO_s_mem())));
    const Bio key_pem(must(BIO_new(BIO_s_mem())));
    must(PEM_write_bio_X509(pem.get(), certificate.get()));
    must(PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr));
    return {text_of(pem), text_of(key_pem)};
}

TestCertificate make_authority(const std::string& common_name) {
    CertificateWish wish;
    wish.common_name = common_name;
    wish.authority = true;
    return make_certificate(wish);
}

} // namespace lectio
