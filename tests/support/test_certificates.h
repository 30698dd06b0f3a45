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
};

// Signed by `issuer`, or by itself.
TestCertificate make_certificate(const CertificateWish& wish, const TestCertificate* issuer = nullptr);
TestCertificate make_authority(const std::string& common_name = "Test CA");

} // namespace lectio
