// The check type "tls": a certificate that browsers trust, for the right name, for days enough.
#pragma once

#include "checks/check_type.h"
#include "config/values.h"
#include "platform/tls_probe.h"

#include <optional>
#include <string>

namespace lectio {

struct TlsSettings {
    std::string address;
    std::string server_name; // empty: the host of the address
    std::string ca;
    Thresholds expires; // empty: 14 and 7 days, or shares of a short life
    Thresholds clear;   // of `expires`
    StartTls starttls = StartTls::none;
    std::string file; // the PEM file that the server should show; empty: nobody says
    Duration timeout{10000};
};

// Pure. The first of: no connection, a protocol or key that browsers refuse, not trusted, another name, days left of the
// needed certificate that ends first; then what is served along and over, and a newer certificate in `file`.
CheckResult evaluate_tls(const TlsSample& sample, const TlsSettings& settings, const CheckContext& context,
                         const std::optional<Result<ShownCertificate>>& on_disk = {});
CheckType tls_check_type();

} // namespace lectio
