#include "platform/tree_manifest.h"

#include "platform/folder_names.h"
#include "platform/sha256.h"
#include "platform/stop.h"
#include "platform/trusted_path.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr Phrase k_and_more{"{} and {} more", "{} и ещё {}"};

constexpr std::string_view k_header = "lectio-manifest 1";
constexpr mode_t k_mode_bits = 07777;
constexpr std::size_t k_piece = 256 * 1024;
constexpr int k_readings = 3; // of a file that changes meanwhile
constexpr std::size_t k_longest_path = 4096;
constexpr std::size_t k_longest_name = 255;
constexpr std::size_t k_hash_digits = 64;

bool by_path(const TreeEntry& a, const TreeEntry& b) {
    return a.path < b.path;
}

// ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

bool is_same_state(const struct stat& a, const struct stat& b) {
    const auto same = [](const timespec& x, const timespec& y) {
        return x.tv_sec == y.tv_sec && x.tv_nsec == y.tv_nsec;
    };
    return a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size == b.st_size &&
           same(a.st_mtim, b.st_mtim) && same(a.st_ctim, b.st_ctim);
}

class Reading {
  public:
    Reading(const TreeReading& reading, Clock& clock, SteadyTime until)
        : m_reading(reading), m_clock(clock), m_until(until), m_piece(k_piece, '\0') {}

    Result<TreeManifest> begin(int folder, const Path& shown) {
        struct stat seen {};
        if (::fstat(folder, &seen) != 0) {
            return unable("examine", shown);
        }
        m_device = seen.st_dev;
        m_root = shown;
        LECTIO_TRY(inside(folder, ".", "", 0));
        std::sort(m_manifest.entries.begin(), m_manifest.entries.end(), by_path);
        return std::move(m_manifest);
    }

  private:
    Result<void> inside(int parent, const std::string& name, const std::string& below, int depth) {
        if (depth > k_deepest_folder) {
            errno = ELOOP;
            return unable("go into", m_root / below);
        }
        return for_each_name(
            parent, name, m_root / below, [&](int folder, const std::string& entry_name) -> Result<void> {
                const std::string path = below.empty() ? entry_name : below + "/" + entry_name;
                if (m_reading.leave_out && m_reading.leave_out(path)) {
                    return {};
                }
                return entry(folder, entry_name, path, depth);
            });
    }

    Result<void> entry(int parent, const std::string& name, const std::string& path, int depth) {
        LECTIO_TRY(still_time(path));
        if (m_manifest.entries.size() >= m_reading.most_entries) {
            return Error{ErrorKind::too_large,
                         fmt::format("unable to read {}: more than {} files and folders",
                                     clean_line(m_root.string()), m_reading.most_entries)};
        }
        struct stat seen {};
        if (::fstatat(parent, name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
            return unable("examine", m_root / path);
        }
        if (seen.st_dev != m_device) {
            errno = EBUSY; // mounted there
            return unable("read", m_root / path);
        }
        TreeEntry entry;
        entry.path = path;
        if (S_ISDIR(seen.st_mode)) {
            entry.type = TreeEntry::Type::folder;
            entry.mode = seen.st_mode & k_mode_bits;
            m_manifest.entries.push_back(std::move(entry));
            return inside(parent, name, path, depth + 1);
        }
        if (S_ISLNK(seen.st_mode)) {
            LECTIO_TRY(link(parent, name, entry));
        } else if (S_ISREG(seen.st_mode)) {
            LECTIO_TRY(file(parent, name, entry));
        } else {
            entry.type = TreeEntry::Type::other;
        }
        m_manifest.entries.push_back(std::move(entry));
        return {};
    }

    Result<void> link(int parent, const std::string& name, TreeEntry& entry) const {
        std::array<char, k_longest_path> target{};
        const ssize_t size = ::readlinkat(parent, name.c_str(), target.data(), target.size());
        if (size < 0) {
            return unable("read", m_root / entry.path);
        }
        entry.type = TreeEntry::Type::link;
        entry.target.assign(target.data(), static_cast<std::size_t>(size));
        return {};
    }

    Result<void> file(int parent, const std::string& name, TreeEntry& entry) {
        // O_NONBLOCK: a FIFO may have been put there since it was looked at.
        const UniqueFd opened(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (!opened.valid()) {
            return unable("open", m_root / entry.path);
        }
        for (int reading = 0; reading < k_readings; ++reading) {
            struct stat before {
            }, after{};
            if (::fstat(opened.get(), &before) != 0 || ::lseek(opened.get(), 0, SEEK_SET) != 0) {
                return unable("examine", m_root / entry.path);
            }
            if (!S_ISREG(before.st_mode)) {
                break;
            }
            const auto expected = static_cast<std::uint64_t>(before.st_size);
            if (expected > m_reading.most_bytes.count - m_bytes) {
                return Error{ErrorKind::too_large,
                             fmt::format("unable to read {}: larger than {}", clean_line(m_root.string()),
                                         format_size(m_reading.most_bytes))};
            }
            const Result<std::uint64_t> size = content(opened.get(), expected, entry);
            LECTIO_TRY(size);
            if (::fstat(opened.get(), &after) != 0) {
                return unable("examine", m_root / entry.path);
            }
            if (is_same_state(before, after) && *size == expected) {
                entry.mode = after.st_mode & k_mode_bits;
                entry.size = {*size};
                m_bytes += *size;
                return {};
            }
        }
        return Error{ErrorKind::busy, fmt::format("unable to read {}: it changes while it is read",
                                                  clean_line((m_root / entry.path).string()))};
    }

    // Ends where there is more than was expected: a file that grows faster than it is read has no end.
    Result<std::uint64_t> content(int opened, std::uint64_t expected, TreeEntry& entry) {
        std::uint64_t size = 0;
        for (;;) {
            const ssize_t got = ::read(opened, m_piece.data(), m_piece.size());
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got < 0) {
                return unable("read", m_root / entry.path);
            }
            if (got == 0 || size > expected) {
                entry.sha256 = m_hash.finish();
                return size;
            }
            m_hash.add({m_piece.data(), static_cast<std::size_t>(got)});
            size += static_cast<std::uint64_t>(got);
            LECTIO_TRY(still_time(entry.path));
        }
    }

    [[nodiscard]] Result<void> still_time(const std::string& path) const {
        return stop_requested() || m_clock.steady() >= m_until ? no_time_left("read", m_root / path)
                                                               : Result<void>{};
    }

    const TreeReading& m_reading;
    Clock& m_clock;
    SteadyTime m_until;
    Path m_root;
    dev_t m_device = 0;
    std::string m_piece;
    Sha256 m_hash;
    std::uint64_t m_bytes = 0; // so far
    TreeManifest m_manifest;
};

// ── text ────────────────────────────────────────────────────────────────────────────────────────────────────────

bool breaks_a_line(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\';
}

std::string escaped(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    for (const char c : bytes) {
        if (breaks_a_line(c)) {
            text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            text += c;
        }
    }
    return text;
}

std::optional<std::string> unescaped(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    while (!text.empty()) {
        if (text.front() != '\\') {
            bytes += text.front();
            text.remove_prefix(1);
            continue;
        }
        unsigned char byte = 0;
        const char* const digits = text.data() + 2;
        if (text.size() < 4 || text[1] != 'x' ||
            std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) {
            return std::nullopt;
        }
        bytes += static_cast<char>(byte);
        text.remove_prefix(4);
    }
    return bytes;
}

// What counts for the tree's hash is the line without its mode.
std::string line_of(const TreeEntry& entry, CompareModes modes) {
    const std::string mode = modes == CompareModes::yes ? fmt::format("{:o} ", entry.mode) : std::string();
    switch (entry.type) {
    case TreeEntry::Type::folder:
        return fmt::format("folder {}{}", mode, escaped(entry.path));
    case TreeEntry::Type::link:
        return fmt::format("link {}\t{}", escaped(entry.path), escaped(entry.target));
    case TreeEntry::Type::other:
        return fmt::format("other {}", escaped(entry.path));
    case TreeEntry::Type::file:
        break;
    }
    return fmt::format("file {}{} {} {}", mode, entry.size.count, entry.sha256, escaped(entry.path));
}

std::string end_of(const TreeManifest& manifest) {
    return fmt::format("end {} {}", manifest.entries.size(), tree_hash(manifest));
}

// Up to the next blank, which goes, too.
std::string_view next_field(std::string_view& line) {
    const std::size_t blank = line.find(' ');
    const std::string_view field = line.substr(0, blank);
    line = blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1);
    return field;
}

template<class Number>
bool read_number(std::string_view text, Number& number, int base) {
    const char* const end = text.data() + text.size();
    const auto [read, problem] = std::from_chars(text.data(), end, number, base);
    return problem == std::errc{} && read == end;
}

bool is_hash(std::string_view text) {
    return text.size() == k_hash_digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool is_below(std::string_view path) {
    const std::vector<std::string_view> names = split(path, '/');
    return path.size() <= k_longest_path && path.find('\0') == path.npos &&
           std::all_of(names.begin(), names.end(), [](std::string_view name) {
               return !name.empty() && name != "." && name != ".." && name.size() <= k_longest_name;
           });
}

std::optional<TreeEntry> entry_of(std::string_view line) {
    std::string_view rest = line;
    const std::string_view type = next_field(rest);
    TreeEntry entry;
    bool fits = true;
    if (type == "file") {
        fits = read_number(next_field(rest), entry.mode, 8);
        fits = read_number(next_field(rest), entry.size.count, 10) && fits;
        entry.sha256 = next_field(rest);
        fits = fits && is_hash(entry.sha256);
    } else if (type == "folder") {
        entry.type = TreeEntry::Type::folder;
        fits = read_number(next_field(rest), entry.mode, 8);
    } else if (type == "link") {
        entry.type = TreeEntry::Type::link;
        const std::size_t tab = std::min(rest.find('\t'), rest.size());
        entry.target = unescaped(rest.substr(std::min(tab + 1, rest.size()))).value_or("");
        fits = !entry.target.empty() && entry.target.size() < k_longest_path;
        rest = rest.substr(0, tab);
    } else if (type == "other") {
        entry.type = TreeEntry::Type::other;
    } else {
        fits = false;
    }
    entry.path = unescaped(rest).value_or("");
    fits = fits && entry.mode <= k_mode_bits && is_below(entry.path);
    // One way to write a thing: leading zeros, other digits and needless escapes are no manifest of ours.
    return fits && line_of(entry, CompareModes::yes) == line ? std::optional(std::move(entry)) : std::nullopt;
}

Error wrong_line(std::size_t number, std::string_view line) {
    constexpr std::size_t k_shown = 100;
    return {ErrorKind::invalid, fmt::format("unable to understand the manifest: line {}: {}", number,
                                            shorten(clean_line(line), k_shown))};
}

// In order, and in a folder that is there.
bool fits_after(const TreeManifest& manifest, const TreeEntry& entry) {
    if (!manifest.entries.empty() && manifest.entries.back().path >= entry.path) {
        return false;
    }
    const std::size_t name = entry.path.rfind('/');
    if (name == std::string::npos) {
        return true;
    }
    const TreeEntry* parent = manifest.find(std::string_view(entry.path).substr(0, name));
    return parent != nullptr && parent->type == TreeEntry::Type::folder;
}

} // namespace

Bytes TreeManifest::size() const {
    Bytes all;
    for (const TreeEntry& entry : entries) {
        all.count += entry.size.count;
    }
    return all;
}

std::uint64_t TreeManifest::files() const {
    return static_cast<std::uint64_t>(std::count_if(entries.begin(), entries.end(), [](const TreeEntry& one) {
        return one.type == TreeEntry::Type::file;
    }));
}

const TreeEntry* TreeManifest::find(std::string_view path) const {
    const auto found =
        std::lower_bound(entries.begin(), entries.end(), path,
                         [](const TreeEntry& entry, std::string_view wanted) { return entry.path < wanted; });
    return found != entries.end() && found->path == path ? &*found : nullptr;
}

Result<TreeManifest> read_tree(const Path& root, Clock& clock, SteadyTime until, const TreeReading& reading) {
    const Result<UniqueFd> folder = open_trusted_folder(root);
    LECTIO_TRY(folder);
    return read_tree_in(folder->get(), root, clock, until, reading);
}

Result<TreeManifest> read_tree_in(int folder, const Path& shown, Clock& clock, SteadyTime until,
                                  const TreeReading& reading) {
    return Reading(reading, clock, until).begin(folder, shown);
}

std::string format_manifest(const TreeManifest& manifest) {
    std::string text(k_header);
    text += '\n';
    for (const TreeEntry& entry : manifest.entries) {
        text += line_of(entry, CompareModes::yes);
        text += '\n';
    }
    return text + end_of(manifest) + "\n";
}

Result<TreeManifest> parse_manifest(std::string_view text) {
    std::vector<std::string_view> lines = split(text, '\n');
    if (lines.front() != k_header) {
        return wrong_line(1, lines.front());
    }
    TreeManifest manifest;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        if (lines[i].starts_with("end ")) {
            const bool last = i + 2 == lines.size() && lines[i + 1].empty();
            return last && lines[i] == end_of(manifest) ? Result<TreeManifest>(std::move(manifest))
                                                        : Result<TreeManifest>(wrong_line(i + 1, lines[i]));
        }
        std::optional<TreeEntry> entry = entry_of(lines[i]);
        if (!entry || !fits_after(manifest, *entry)) {
            return wrong_line(i + 1, lines[i]);
        }
        manifest.entries.push_back(std::move(*entry));
    }
    return Error{ErrorKind::invalid, "unable to understand the manifest: its end is missing"};
}

std::string tree_hash(const TreeManifest& manifest) {
    Sha256 hash;
    for (const TreeEntry& entry : manifest.entries) {
        hash.add(line_of(entry, CompareModes::no));
        hash.add("\n");
    }
    return hash.finish();
}

Text some_of(const TreeDifference& difference) {
    constexpr std::size_t k_most = 3;
    std::vector<std::string> names = difference.changed;
    for (const std::string& name : difference.removed) {
        names.push_back("-" + name);
    }
    for (const std::string& name : difference.added) {
        names.push_back("+" + name);
    }
    std::string first;
    for (std::size_t i = 0; i < names.size() && i < k_most; ++i) {
        first += (first.empty() ? "" : ", ") + shorten(clean_line(names[i]), 80);
    }
    return names.size() > k_most ? say(k_and_more, first, names.size() - k_most) : verbatim(first);
}

TreeDifference compare(const TreeManifest& before, const TreeManifest& after, CompareModes modes) {
    TreeDifference difference;
    auto old = before.entries.begin();
    auto now = after.entries.begin();
    while (old != before.entries.end() || now != after.entries.end()) {
        if (now == after.entries.end() || (old != before.entries.end() && old->path < now->path)) {
            difference.removed.push_back((old++)->path);
        } else if (old == before.entries.end() || now->path < old->path) {
            difference.added.push_back((now++)->path);
        } else {
            if (line_of(*old, modes) != line_of(*now, modes)) {
                difference.changed.push_back(now->path);
            }
            ++old, ++now;
        }
    }
    return difference;
}

} // namespace lectio
