// The text exposition format 0.0.4 of Prometheus (prometheus.io/docs/instrumenting/exposition_formats), line by line, and
// the families that more than one of our outputs has.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace lectio {

// The help of a family has to be the same in every file: node_exporter drops what contradicts (its issue 1885).
struct Family {
    std::string_view name, help;
};
inline constexpr Family k_check_status{"lectio_check_status",
                                       "Status of a check: 0 ok, 1 warning, 2 critical, 3 unknown."};
inline constexpr Family k_check_value{"lectio_check_value",
                                      "A figure that a check has measured, in base units."};
inline constexpr Family k_incident_open{"lectio_incident_open", "Whether an incident of a check is open."};
inline constexpr Family k_last_run{"lectio_last_run_timestamp_seconds",
                                   "When the last whole run of a tool began."};

// All lines of a family stand together: begin() each once, then its lines.
class Exposition {
  public:
    void begin(const Family& family); // a gauge
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
    void line(const Family& family, Labels labels, double value);
    // Seconds since 1970, with the milliseconds that a double still has.
    void moment(const Family& family, Labels labels, double seconds);

    [[nodiscard]] std::string text() && { return std::move(m_text); }

  private:
    void put(const Family& family, Labels labels, std::string_view value);
    std::string m_text;
};

} // namespace lectio
