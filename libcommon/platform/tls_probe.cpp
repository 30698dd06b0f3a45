#include "platform/tls_probe.h"

#include "platform/dial.h"
#include "platform/starttls.h"
#include "util/network.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <poll.h>

namespace lectio {
namespace {

template<auto Function>
struct Deleter {
    template<class T>
    void operator()(T* object) const {
        Function(object);
    }
};
using Context = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Deleter<SSL_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Failure = TlsSample::Failure;

Result<Context> make_context(const TlsQuestion& question) {
    Context context(SSL_CTX_new(TLS_client_method()));
    if (context == nullptr) {
        return Error{ErrorKind::internal, "unable to set up OpenSSL"};
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE,
                       nullptr); // judged afterwards: all certificates are wanted
    // Spoken is everything, trusted what has 112 bits (Debian's default for both; see the header).
    SSL_CTX_set_security_level(context.get(), 0);
    if (SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context.get(), "DEFAULT:@SECLEVEL=0") != 1) {
        return Error{ErrorKind::internal, "unable to set up OpenSSL"};
    }
    X509_VERIFY_PARAM* verify = SSL_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_auth_level(verify, 2);
    X509_VERIFY_PARAM_set_flags(verify, X509_V_FLAG_NO_CHECK_TIME); // dates are told apart from trust
    const int trusted =
        question.ca.empty()
            ? SSL_CTX_set_default_verify_dir(context.get()) // hashed: only what is needed is read
            : SSL_CTX_load_verify_locations(context.get(), question.ca.c_str(), nullptr);
    if (trusted != 1) {
        return Error{ErrorKind::invalid, "unable to read the certificates of " + question.ca};
    }
    return context;
}

bool handshake(SSL* session, int fd, SteadyTime deadline, TlsSample& sample) {
    sample.phase = TlsSample::Phase::handshake;
    for (;;) {
        ERR_clear_error();
        const int done = SSL_connect(session);
        if (done == 1) {
            return true;
        }
        const int why = SSL_get_error(session, done);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            const char* reason = ERR_reason_error_string(ERR_peek_error());
            sample.failure = Failure::handshake;
            sample.detail = reason != nullptr ? reason : "the connection was closed";
            return false;
        }
        if (!wait_until_ready(fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline)) {
            sample.failure = Failure::timeout;
            return false;
        }
    }
}

WallTime time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return {};
    }
    return WallTime(std::chrono::seconds(::timegm(&parts)));
}

std::string subject_of(const X509* certificate) {
    std::array<char, 256> text{};
    const X509_NAME* name = X509_get_subject_name(certificate);
    if (X509_NAME_get_text_by_NID(name, NID_commonName, text.data(), static_cast<int>(text.size())) <= 0) {
        X509_NAME_oneline(name, text.data(), static_cast<int>(text.size()));
    }
    return text.data();
}

// What browsers would not take, in words; empty: they take it. Chromium knows no P-521, none knows Ed25519.
std::string refused_key_of(X509* certificate) {
    const EVP_PKEY* key = X509_get0_pubkey(certificate);
    if (key == nullptr) {
        return "unknown";
    }
    constexpr int k_least_rsa = 2048;
    const int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        return bits >= k_least_rsa ? "" : fmt::format("RSA {}", bits);
    }
    std::array<char, 80> group{};
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
        EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1) {
        const std::string_view curve = group.data();
        return curve == "prime256v1" || curve == "secp384r1" ? "" : fmt::format("EC {}", curve);
    }
    const char* name = EVP_PKEY_get0_type_name(key);
    return name != nullptr ? name : "unknown";
}

ShownCertificate describe(X509* certificate) {
    return {.subject = subject_of(certificate),
            .begins = time_of(X509_get0_notBefore(certificate)),
            .ends = time_of(X509_get0_notAfter(certificate)),
            .refused_key = refused_key_of(certificate),
            .is_needed = true};
}

bool has_alternative_names(const X509* certificate) {
    return X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0;
}

// The server's own certificate against the name, its alternative names only.
bool name_matches(X509* certificate, const std::string& name) {
    if (is_ip_address(name)) { // which no DNS name stands for (RFC 9110, 4.3.5)
        return X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
    }
    return X509_check_host(certificate, name.c_str(), name.size(),
                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                           nullptr) == 1;
}

// Also true of everything where nothing is trusted: then there is no chain to be part of.
bool is_needed(const STACK_OF(X509) * trusted_chain, const X509* certificate) {
    for (int i = 0; i < sk_X509_num(trusted_chain); ++i) {
        if (X509_cmp(sk_X509_value(trusted_chain, i), certificate) == 0) {
            return true;
        }
    }
    return trusted_chain == nullptr;
}

void read_certificates(SSL* session, const std::string& name, TlsSample& sample) {
    const long verdict = SSL_get_verify_result(session);
    if (verdict != X509_V_OK) {
        sample.untrusted = X509_verify_cert_error_string(verdict);
    }
    const STACK_OF(X509)* trusted = verdict == X509_V_OK ? SSL_get0_verified_chain(session) : nullptr;
    const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(session);
    for (int i = 0; i < sk_X509_num(chain); ++i) {
        X509* certificate = sk_X509_value(chain, i);
        sample.certificates.push_back(describe(certificate));
        sample.certificates.back().is_needed = is_needed(trusted, certificate);
        if (i == 0) {
            sample.has_names = has_alternative_names(certificate);
            sample.name_matches = name_matches(certificate, name);
        }
    }
    if (SSL_version(session) < TLS1_2_VERSION) {
        sample.old_protocol = SSL_get_version(session);
    }
}

} // namespace

Result<TlsSample> tls_probe(const TlsQuestion& question) {
    const SteadyTime deadline = std::chrono::steady_clock::now() + question.timeout;
    auto context = make_context(question);
    if (!context.ok()) {
        return context.error();
    }
    const Dialled dialled = dial(question.address, deadline);
    TlsSample sample;
    sample.failure = failure_as<Failure>(dialled.failure);
    sample.detail = dialled.detail;
    if (!dialled.fd.valid()) {
        return sample;
    }
    sample.phase = TlsSample::Phase::upgrading;
    const Upgrade upgrade = change_over_to_tls(dialled.fd.get(), question.starttls, deadline);
    if (upgrade.outcome != Upgrade::Outcome::done) {
        sample.failure = upgrade.outcome == Upgrade::Outcome::timeout ? Failure::timeout : Failure::upgrade;
        sample.detail = upgrade.said;
        return sample;
    }
    const Session session(SSL_new(context->get()));
    if (session == nullptr || SSL_set_fd(session.get(), dialled.fd.get()) != 1) {
        return Error{ErrorKind::internal, "unable to set up OpenSSL"};
    }
    const std::string& name = question.server_name;
    if (!is_ip_address(name)) { // SNI must not hold one (RFC 6066)
        SSL_set_tlsext_host_name(session.get(), name.c_str());
    }
    if (handshake(session.get(), dialled.fd.get(), deadline, sample)) {
        read_certificates(session.get(), name, sample);
    }
    return sample;
}

Result<ShownCertificate> read_certificate(const std::string& path) {
    const Bio file(BIO_new_file(path.c_str(), "re"));
    if (file == nullptr) {
        return Error{ErrorKind::io, fmt::format("unable to read {}: {}", path, std::strerror(errno))};
    }
    const Certificate certificate(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) {
        return Error{ErrorKind::invalid, fmt::format("{} holds no certificate in PEM", path)};
    }
    return describe(certificate.get());
}

} // namespace lectio
