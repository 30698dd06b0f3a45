#include "report/exposition.h"

#include "util/text.h"

#include <cmath>

#include <fmt/format.h>

namespace lectio {
namespace {

std::string escaped(std::string_view value) {
    std::string text;
    for (const char c : value) {
        if (c == '\\' || c == '"') {
            text += '\\';
        }
        if (c == '\n') {
            text += "\\n";
        } else {
            text += c;
        }
    }
    return text;
}

std::string number(double value) {
    if (std::isnan(value)) {
        return "NaN";
    }
    if (std::isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    return fmt::format("{}", value);
}

} // namespace

void Exposition::begin(const Family& family) {
    m_text += fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n", family.name, family.help);
}

void Exposition::line(const Family& family, Labels labels, double value) {
    put(family, labels, number(value));
}

void Exposition::moment(const Family& family, Labels labels, double seconds) {
    put(family, labels, fmt::format("{:.3f}", seconds));
}

void Exposition::put(const Family& family, Labels labels, std::string_view value) {
    m_text += family.name;
    char before = '{';
    for (const auto& [name, content] : labels) {
        m_text += fmt::format("{}{}=\"{}\"", before, name, escaped(to_utf8(content)));
        before = ',';
    }
    m_text += fmt::format("{} {}\n", labels.size() == 0 ? "" : "}", value);
}

} // namespace lectio
