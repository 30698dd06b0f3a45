// Lines of a web server's access log: who asked for what, what they got, and how long it took.
#pragma once

#include "checks/line_matcher.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lectio {

// nginx's "combined" (ngx_http_log_module), with or without a time to answer behind it: `rt=0.123`,
// `request_time=0.123` or a bare 0.123, as $request_time has it.
struct AccessLine {
    std::string_view address, method, target;
    int status = 0;
    std::optional<double> seconds;
};
std::optional<AccessLine> parse_access_line(std::string_view line);

enum class Attack { brute_force, traversal, sql_injection, scanner };
inline constexpr std::array<std::string_view, 4> k_attack_names{"brute-force", "traversal", "sql-injection",
                                                                "scanner"};

// Tells attempts by what they ask for and who they say they are. A refused login is one of brute force.
class AttackFinder {
  public:
    explicit AttackFinder(const std::vector<Attack>& kinds);
    // Calls `found` for each line that is one, with the address it came from.
    void look_through(std::string_view lines,
                      const std::function<void(Attack, std::string_view address)>& found);

  private:
    struct Kind {
        Attack attack;
        LineMatcher matcher;
    };
    std::vector<Kind> m_kinds;
};

// How many took how long, to within a tenth: the names of tallies for the times, and a percentile from what was tallied.
std::string time_bucket(double seconds);
bool is_time_bucket(std::string_view name);
// In milliseconds; nothing where there are no times. `share`: 0.95.
std::optional<double> percentile(const std::map<std::string, std::uint64_t>& tallies, double share);

} // namespace lectio
