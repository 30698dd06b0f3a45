// The check type "tls": a certificate that browsers trust, for the right name, for days enough.
#pragma once

#include "checks/check_type.h"
#include "config/values.h"
#include "platform/tls_probe.h"

#include <string>

namespace lectio {

struct TlsSettings {
    std::string address;
    std::string server_name; // empty: the host of the address
    std::string ca;
    Thresholds expires; // empty: 14 and 7 days, or shares of a short life
    Thresholds clear;   // of `expires`
    Duration timeout{10000};
};

// Pure. The first of: no connection, not trusted, another name, days left of the certificate that ends first.
CheckResult evaluate_tls(const TlsSample& sample, const TlsSettings& settings, const CheckContext& context);
CheckType tls_check_type();

} // namespace lectio
