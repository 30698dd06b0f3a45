// Types of configuration values that are more than one word.
#pragma once

#include "util/units.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lectio {

// { warn = …, critical = … }; either may be absent.
struct Thresholds {
    std::optional<Amount> warn, critical;
    bool operator==(const Thresholds&) const = default;
};

// A JSON value written in TOML, kept as JSON text: string, number, boolean, array or table (CONTRACT 2).
struct JsonText {
    std::string text; // empty: not given
};

// 200 | [200, 204] | "2xx" | ["2xx", 301]
class StatusSet {
  public:
    struct Range {
        int first = 200, last = 299;
        bool operator==(const Range&) const = default;
    };
    StatusSet() : m_ranges{{200, 299}} {}
    explicit StatusSet(std::vector<Range> ranges) : m_ranges(std::move(ranges)) {}
    [[nodiscard]] bool contains(int status) const {
        for (const Range& range : m_ranges) {
            if (status >= range.first && status <= range.last) {
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] std::string words() const; // "200", "200, 204", "2xx"
    [[nodiscard]] const std::vector<Range>& ranges() const { return m_ranges; }

  private:
    std::vector<Range> m_ranges;
};

// The id of a chat: -100123 or "-100123" or "@channel".
struct IdText {
    std::string text;
    bool operator==(const IdText&) const = default;
};

// "755": permission bits in octal, written as a string.
struct FileMode {
    mode_t bits = 0;
};

// What every check knows (CONTRACT 13).
enum class Severity { info, warning, critical };
struct Span { // "3 of 5"; 0 of 0: off
    int some = 0, of = 0;
    bool operator==(const Span&) const = default;
};
struct CheckCommon {
    Severity severity = Severity::critical;
    int confirm = 1;         // failures in a row before an incident opens
    int recover_confirm = 1; // good runs in a row before it is resolved
    Span window{};           // opens on that many of the last; replaces confirm
    Span flap{6, 20};        // changes among the last runs that make it flapping
    Duration recheck{1000};  // asked again within the run before it counts; 0: off
    Thresholds clear{};      // where a threshold is clear again
    Duration every{0};       // 0: in every run
    bool enabled = true;
    std::vector<std::string> needs;
    std::string note; // a runbook line shown with the alert
};

} // namespace lectio
