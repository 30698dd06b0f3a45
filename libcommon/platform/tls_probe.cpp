#include "platform/tls_probe.h"

#include "platform/dial.h"

#include <array>
#include <memory>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
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
using Failure = TlsSample::Failure;

Result<Context> make_context(const TlsQuestion& question) {
    Context context(SSL_CTX_new(TLS_client_method()));
    if (context == nullptr) {
        return Error{ErrorKind::internal, "unable to set up OpenSSL"};
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE,
                       nullptr); // judged afterwards: all certificates are wanted
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

bool is_about_dates(long verdict) {
    return verdict == X509_V_ERR_CERT_HAS_EXPIRED || verdict == X509_V_ERR_CERT_NOT_YET_VALID;
}

// The server's own certificate against the name, its alternative names only.
bool name_matches(X509* certificate, const std::string& name) {
    if (X509_check_ip_asc(certificate, name.c_str(), 0) == 1) {
        return true;
    }
    return X509_check_host(certificate, name.c_str(), name.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                           nullptr) == 1;
}

void read_certificates(SSL* session, const std::string& name, TlsSample& sample) {
    const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(session);
    for (int i = 0; i < sk_X509_num(chain); ++i) {
        X509* certificate = sk_X509_value(chain, i);
        sample.certificates.push_back({subject_of(certificate), time_of(X509_get0_notBefore(certificate)),
                                       time_of(X509_get0_notAfter(certificate))});
        if (i == 0) {
            sample.name_matches = name_matches(certificate, name);
        }
    }
    const long verdict = SSL_get_verify_result(session);
    if (verdict != X509_V_OK && !is_about_dates(verdict)) {
        sample.untrusted = X509_verify_cert_error_string(verdict);
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
    const Session session(SSL_new(context->get()));
    if (session == nullptr || SSL_set_fd(session.get(), dialled.fd.get()) != 1) {
        return Error{ErrorKind::internal, "unable to set up OpenSSL"};
    }
    // An address is no name: SNI must not hold one (RFC 6066).
    std::array<unsigned char, 16> ignored{};
    const std::string& name = question.server_name;
    if (::inet_pton(AF_INET, name.c_str(), ignored.data()) != 1 &&
        ::inet_pton(AF_INET6, name.c_str(), ignored.data()) != 1) {
        SSL_set_tlsext_host_name(session.get(), name.c_str());
    }
    if (handshake(session.get(), dialled.fd.get(), deadline, sample)) {
        read_certificates(session.get(), name, sample);
    }
    return sample;
}

} // namespace lectio
