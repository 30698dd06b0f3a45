#include "platform/proc_text.h"

#include "util/number.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

namespace lectio {
namespace {

std::optional<double> decimal(std::string_view text) {
    const auto value = number_from<double>(text);
    return value && *value >= 0 ? value : std::nullopt;
}

// Fields between runs of blanks, the first `at_most` of them: of the 52 of a process 22 are asked for, each minute.
std::vector<std::string_view> fields(std::string_view text,
                                     std::size_t at_most = std::numeric_limits<std::size_t>::max()) {
    constexpr std::string_view k_blanks = " \t\r\n";
    std::vector<std::string_view> found;
    std::size_t begin = text.find_first_not_of(k_blanks);
    while (begin != std::string_view::npos && found.size() < at_most) {
        const std::size_t end = std::min(text.find_first_of(k_blanks, begin), text.size());
        found.push_back(text.substr(begin, end - begin));
        begin = text.find_first_not_of(k_blanks, end);
    }
    return found;
}

// "Name:   123 kB" and "name 123": the rest of the line that begins with this name.
std::optional<std::string_view> line_after(std::string_view text, std::string_view name) {
    for (const std::string_view line : split_lines(text)) {
        if (line.starts_with(name)) {
            return trim(line.substr(name.size()));
        }
    }
    return std::nullopt;
}

std::optional<Bytes> kilobytes(std::string_view text, std::string_view name) {
    std::optional<std::string_view> rest = line_after(text, name);
    if (!rest || !rest->ends_with(" kB")) {
        return std::nullopt;
    }
    rest->remove_suffix(3);
    const std::optional<std::uint64_t> count = number_from<std::uint64_t>(trim(*rest));
    return count ? std::optional(Bytes{*count << 10U}) : std::nullopt;
}

bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

std::string unescape_octal(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
                            is_octal(text[i + 2]) && is_octal(text[i + 3]);
        if (escape) {
            out +=
                static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

// "0100007F" or 32 hexadecimal digits: words of 4 bytes, each in the byte order of the machine.
std::optional<std::string> address_from(std::string_view digits) {
    if (digits.size() != 8 && digits.size() != 32) {
        return std::nullopt;
    }
    std::array<unsigned char, 16> bytes{};
    for (std::size_t at = 0; at < digits.size(); at += 8) {
        const std::optional<std::uint32_t> word = number_from<std::uint32_t>(digits.substr(at, 8), 16);
        if (!word) {
            return std::nullopt;
        }
        std::memcpy(bytes.data() + at / 2, &*word, sizeof *word);
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = digits.size() == 8 ? AF_INET : AF_INET6;
    return std::string(::inet_ntop(family, bytes.data(), text.data(), text.size()));
}

} // namespace

std::optional<MemoryInfo> parse_meminfo(std::string_view text) {
    const std::optional<Bytes> total = kilobytes(text, "MemTotal:");
    const std::optional<Bytes> available = kilobytes(text, "MemAvailable:");
    if (!total || !available) {
        return std::nullopt;
    }
    // A kernel without swap has no such lines.
    return MemoryInfo{*total, *available, kilobytes(text, "SwapTotal:").value_or(Bytes{}),
                      kilobytes(text, "SwapFree:").value_or(Bytes{})};
}

std::optional<std::uint64_t> parse_oom_kills(std::string_view text) {
    const std::optional<std::string_view> count = line_after(text, "oom_kill ");
    return count ? number_from<std::uint64_t>(*count) : std::nullopt;
}

std::optional<std::array<double, 3>> parse_loadavg(std::string_view text) {
    const std::vector<std::string_view> parts = fields(text);
    std::array<double, 3> load{};
    for (std::size_t i = 0; i < load.size(); ++i) {
        const std::optional<double> value = i < parts.size() ? decimal(parts[i]) : std::nullopt;
        if (!value) {
            return std::nullopt;
        }
        load[i] = *value;
    }
    return load;
}

std::optional<double> parse_pressure(std::string_view text) {
    constexpr std::string_view k_average = "avg60=";
    for (const std::string_view line : split_lines(text)) {
        const std::vector<std::string_view> parts = fields(line);
        if (parts.empty() || parts.front() != "some") {
            continue;
        }
        for (const std::string_view part : parts) {
            if (part.starts_with(k_average)) {
                const std::optional<double> share = decimal(part.substr(k_average.size()));
                return share && *share >= 0 && *share <= 100 ? share : std::nullopt;
            }
        }
    }
    return std::nullopt;
}

std::optional<double> parse_uptime(std::string_view text) {
    const std::vector<std::string_view> parts = fields(text);
    return parts.empty() ? std::nullopt : decimal(parts.front());
}

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
    const std::size_t open = text.find(" (");
    const std::size_t close = text.rfind(") ");
    if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2) {
        return std::nullopt;
    }
    // Numbered as in proc(5), where the state is field 3.
    constexpr std::size_t k_last = 24;
    const std::vector<std::string_view> rest = fields(text.substr(close + 2), k_last - 2);
    const auto field = [&](std::size_t n) { return n - 3 < rest.size() ? rest[n - 3] : std::string_view(); };
    const auto counter = [&](std::size_t n) { return number_from<std::uint64_t>(field(n)); };
    const std::optional<int> pid = number_from<int>(text.substr(0, open));
    const std::optional<int> parent = number_from<int>(field(4));
    if (!pid || !parent || field(3).size() != 1 || !counter(9) || !counter(14) || !counter(15) ||
        !counter(22) || !counter(k_last)) {
        return std::nullopt;
    }
    constexpr std::uint64_t k_kernel_thread = 0x00200000; // PF_KTHREAD of linux/sched.h
    ProcessStat stat;
    stat.pid = *pid;
    stat.name = text.substr(open + 2, close - open - 2);
    stat.state = field(3)[0];
    stat.parent = *parent;
    stat.kernel_thread = (*counter(9) & k_kernel_thread) != 0;
    stat.user_ticks = *counter(14);
    stat.system_ticks = *counter(15);
    stat.start_ticks = *counter(22);
    stat.rss_pages = *counter(k_last);
    return stat;
}

std::optional<ProcessStat> process_stat(int pid) {
    const UniqueFd file(::open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 1024> text{};
    const ssize_t size = file.valid() ? ::read(file.get(), text.data(), text.size()) : -1;
    return size > 0 ? parse_process_stat({text.data(), static_cast<std::size_t>(size)}) : std::nullopt;
}

std::optional<uid_t> parse_effective_user(std::string_view text) {
    const std::optional<std::string_view> ids = line_after(text, "Uid:");
    // Real, effective, saved, file system; by tabs.
    const std::vector<std::string_view> parts = ids ? split(*ids, '\t') : std::vector<std::string_view>();
    return parts.size() == 4 ? number_from<uid_t>(parts[1]) : std::nullopt;
}

std::string join_command_line(std::string_view text) {
    std::string line(text);
    std::replace(line.begin(), line.end(), '\0', ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

std::vector<Mount> parse_mounts(std::string_view text) {
    std::vector<Mount> mounts;
    for (const std::string_view line : split_lines(text)) {
        const std::vector<std::string_view> parts = split(line, ' ');
        if (parts.size() >= 4) {
            mounts.push_back({unescape_octal(parts[0]), unescape_octal(parts[1]), std::string(parts[2]),
                              std::string(parts[3])});
        }
    }
    return mounts;
}

std::vector<ListeningSocket> parse_listening_sockets(std::string_view text) {
    constexpr std::string_view k_listen = "0A"; // TCP_LISTEN
    std::vector<ListeningSocket> sockets;
    for (const std::string_view line : split_lines(text)) {
        // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …
        const std::vector<std::string_view> parts = fields(line);
        if (parts.size() < 10 || parts[3] != k_listen) {
            continue;
        }
        const std::size_t colon = parts[1].find(':');
        if (colon == std::string_view::npos) {
            continue;
        }
        const std::optional<std::string> address = address_from(parts[1].substr(0, colon));
        const std::optional<std::uint16_t> port = number_from<std::uint16_t>(parts[1].substr(colon + 1), 16);
        const std::optional<std::uint64_t> inode = number_from<std::uint64_t>(parts[9]);
        if (address && port && inode) {
            sockets.push_back({*address, *port, *inode});
        }
    }
    return sockets;
}

std::vector<ListeningSocket> parse_unix_sockets(std::string_view text) {
    constexpr std::uint32_t k_accepts = 0x10000; // __SO_ACCEPTCON
    constexpr std::string_view k_stream = "0001";
    std::vector<ListeningSocket> sockets;
    for (const std::string_view line : split_lines(text)) {
        // Num RefCount Protocol Flags Type St Inode Path
        const std::vector<std::string_view> parts = fields(line);
        const std::size_t path = line.find('/');
        if (parts.size() < 8 || parts[4] != k_stream || path == std::string_view::npos) {
            continue;
        }
        const std::optional<std::uint32_t> flags = number_from<std::uint32_t>(parts[3], 16);
        const std::optional<std::uint64_t> inode = number_from<std::uint64_t>(parts[6]);
        if (flags && inode && (*flags & k_accepts) != 0 && parts[7].starts_with('/')) {
            sockets.push_back({std::string(line.substr(path)), 0, *inode});
        }
    }
    return sockets;
}

std::string parse_unit_of_cgroup(std::string_view text) {
    constexpr std::array<std::string_view, 2> k_systemd{"0::", "name=systemd:"};
    for (const std::string_view row : k_systemd) {
        for (const std::string_view line : split_lines(text)) {
            const std::size_t at = line.find(row);
            const bool is_row = at != std::string_view::npos && (at == 0 || row != k_systemd[0]);
            const std::vector<std::string_view> folders =
                is_row ? split(line.substr(at + row.size()), '/') : std::vector<std::string_view>();
            const auto unit = std::find_if(folders.rbegin(), folders.rend(), [](std::string_view folder) {
                return folder.ends_with(".service") || folder.ends_with(".scope");
            });
            if (unit != folders.rend()) {
                return std::string(*unit);
            }
        }
    }
    return {};
}

} // namespace lectio
