#include "util/timestamp.h"

#include "util/number.h"

#include <algorithm>
#include <cmath>

namespace lectio {
namespace {

using namespace std::chrono;

constexpr double k_first_milliseconds = 1e11;
constexpr double k_last_milliseconds = 253'402'300'799'999.0; // the end of the year 9999

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Takes what it reads off the front; every step says whether it was there.
class Reader {
  public:
    explicit Reader(std::string_view text) : m_text(text) {}

    bool number(std::size_t digits, int& value) {
        const std::string_view part = m_text.substr(0, digits);
        if (part.size() < digits || !std::all_of(part.begin(), part.end(), is_digit)) {
            return false;
        }
        value = *number_from<int>(part);
        m_text.remove_prefix(digits);
        return true;
    }
    bool sign(std::string_view any_of) {
        if (m_text.empty() || any_of.find(m_text.front()) == any_of.npos) {
            return false;
        }
        m_sign = m_text.front();
        m_text.remove_prefix(1);
        return true;
    }
    // Any number of digits after the point; what is below a millisecond is left out.
    bool fraction(milliseconds& value) {
        const std::size_t size = std::min(m_text.find_first_not_of("0123456789"), m_text.size());
        milliseconds unit{100};
        for (const char c : m_text.substr(0, size)) {
            value += unit * (c - '0');
            unit /= 10;
        }
        m_text.remove_prefix(size);
        return size > 0;
    }
    [[nodiscard]] char last_sign() const { return m_sign; }
    [[nodiscard]] bool at_end() const { return m_text.empty(); }
    void skip_blank() {
        while (sign(" ")) {
        }
    }

  private:
    std::string_view m_text;
    char m_sign = '\0';
};

std::optional<Timestamp> since_1970(std::string_view text) {
    const std::optional<double> number = number_from<double>(text);
    const bool plain = text.find_first_not_of("0123456789.") == text.npos; // no exponent, no "inf", no sign
    if (!number || !plain) {
        return std::nullopt;
    }
    const double ms = *number < k_first_milliseconds ? *number * 1000 : *number;
    if (ms > k_last_milliseconds) {
        return std::nullopt;
    }
    return Timestamp{sys_time<milliseconds>(milliseconds(static_cast<std::int64_t>(std::floor(ms)))), false};
}

// "Z", "+03", "+0300", "+03:00"; nothing at all: UTC is assumed.
bool read_zone(Reader& reader, minutes& offset, bool& assumed) {
    if (reader.at_end()) {
        assumed = true;
        return true;
    }
    if (reader.sign("Zz")) {
        return true;
    }
    int hour = 0, minute = 0;
    if (!reader.sign("+-")) {
        return false;
    }
    const int direction = reader.last_sign() == '-' ? -1 : 1;
    if (!reader.number(2, hour)) {
        return false;
    }
    if (!reader.at_end()) {
        reader.sign(":");
        if (!reader.number(2, minute)) {
            return false;
        }
    }
    offset = direction * (hours(hour) + minutes(minute));
    constexpr int k_most_hours = 18, k_most_minutes = 59;
    return hour <= k_most_hours && minute <= k_most_minutes;
}

bool read_time(Reader& reader, milliseconds& since_midnight) {
    int hour = 0, minute = 0, second = 0;
    if (!reader.number(2, hour) || !reader.sign(":") || !reader.number(2, minute)) {
        return false;
    }
    if (reader.sign(":") && !reader.number(2, second)) {
        return false;
    }
    since_midnight = hours(hour) + minutes(minute) + seconds(second);
    if (reader.sign(".,") && !reader.fraction(since_midnight)) {
        return false;
    }
    constexpr int k_most_seconds = 60; // a leap second
    return hour < 24 && minute < 60 && second <= k_most_seconds;
}

std::optional<Timestamp> iso_8601(std::string_view text) {
    Reader reader(text);
    int y = 0, m = 0, d = 0;
    if (!reader.number(4, y) || !reader.sign("-") || !reader.number(2, m) || !reader.sign("-") ||
        !reader.number(2, d)) {
        return std::nullopt;
    }
    const year_month_day date{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
    if (!date.ok() || y < 1970) {
        return std::nullopt;
    }
    milliseconds time{};
    minutes offset{};
    bool assumed = false;
    if (reader.sign("Tt ") && !read_time(reader, time)) {
        return std::nullopt;
    }
    reader.skip_blank();
    if (!read_zone(reader, offset, assumed) || !reader.at_end()) {
        return std::nullopt;
    }
    return Timestamp{sys_time<milliseconds>(sys_days(date)) + time - offset, assumed};
}

} // namespace

std::optional<Timestamp> parse_timestamp(std::string_view text) {
    const std::optional<Timestamp> number = since_1970(text);
    return number ? number : iso_8601(text);
}

} // namespace lectio
