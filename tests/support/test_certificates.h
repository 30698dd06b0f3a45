// Certificates made while a test runs: nothing secret is kept in the tree, nothing expires there.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct TestCertificate {
    std::string pem;     // the certificate
    std::string key_pem; // its private key
};

struct CertificateWish {
    std::vector<std::string> names = {"localhost"}; // DNS names in the SAN; none: no SAN at all
    std::vector<std::string> addresses = {};        // IP addresses in the SAN
    std::string common_name = "test";
    int begins_in_hours = -24;
    int ends_in_hours = 24 * 90;
    bool authority = false;
    std::string key = "P-256";           // or another curve, "RSA-2048", "RSA-1024", "ED25519"
    std::string digest = "SHA256";       // of the signature; without a meaning under an Ed25519 key
    std::string extended_key_usage = {}; // "clientAuth"; empty: none said
    std::string name_constraints = {};   // "permitted;DNS:.example"; empty: none
};

// Signed by `issuer`, or by itself.
TestCertificate make_certificate(const CertificateWish& wish, const TestCertificate* issuer = nullptr);
TestCertificate make_authority(const std::string& common_name = "Test CA");

} // namespace lectio
