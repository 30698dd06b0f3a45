#include "backup/files_snapshot.h"

#include "backup/manifest.h"
#include "backup/passing_file.h"
#include "backup/program.h"
#include "platform/sha256.h"
#include "platform/tree_manifest.h"
#include "platform/trusted_path.h"
#include "util/path.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include <archive.h>
#include <archive_entry.h>

namespace lectio::backup {
namespace {

using namespace std::chrono_literals;

constexpr mode_t k_ours_alone = 0600;
constexpr std::size_t k_piece = 1U << 18U;
constexpr std::size_t k_most_changed = 5; // that are named
constexpr std::size_t k_most_flaws = 5;
constexpr std::size_t k_sum_length = 64;

constexpr Phrase k_other_file{"{} has changed", "{} изменился"};
constexpr Phrase k_no_file{"{} is missing", "нет {}"};
constexpr Phrase k_other_count{"it holds {} files instead of {}", "в ней {} файлов вместо {}"};
constexpr Phrase k_other_bytes{"its content has changed", "её содержимое изменилось"};
constexpr Phrase k_unreadable{"it cannot be read as tar: {}", "она не читается как tar: {}"};
constexpr Phrase k_no_list{"its list of files is missing", "в ней нет списка файлов"};

// SHA-256 of each file by its name in the tar.
using Sums = std::map<std::string, std::string>;

struct FreeArchive {
    void operator()(archive* reader) const { archive_read_free(reader); }
};

// ── the list, as `sha256sum` writes it (coreutils manual, "md5sum invocation") ──────────────────────────────

std::string line_of(const std::string& name, const std::string& sum) {
    std::string escaped;
    for (const char c : name) {
        escaped += c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\r' ? "\\r" : std::string(1, c);
    }
    return fmt::format("{}{}  {}\n", escaped == name ? "" : "\\", sum, escaped);
}

std::string list_of(const Sums& sums) {
    std::string list;
    for (const auto& [name, sum] : sums) {
        list += line_of(name, sum);
    }
    return list;
}

Sums sums_of(std::string_view list) {
    Sums sums;
    for (std::string_view line : split(list, '\n')) {
        const bool escaped = line.starts_with('\\');
        line.remove_prefix(escaped ? 1 : 0);
        if (line.size() <= k_sum_length + 2) {
            continue;
        }
        std::string name;
        const std::string_view written = line.substr(k_sum_length + 2);
        for (std::size_t i = 0; i < written.size(); ++i) {
            const bool pair = escaped && written[i] == '\\' && i + 1 < written.size();
            const char c = pair ? written[++i] : written[i];
            name += pair && c == 'n' ? '\n' : pair && c == 'r' ? '\r' : c;
        }
        sums[name] = line.substr(0, k_sum_length);
    }
    return sums;
}

// ── what lies in a tar ──────────────────────────────────────────────────────────────────────────────────────

struct Content {
    Sums sums;
    std::map<std::string, std::string> links; // hard links, and under which name of the tar their bytes are
    std::optional<std::string> list;
};

Error damaged(archive* reader) {
    const char* const words = archive_error_string(reader);
    return {ErrorKind::invalid, clean_line(words != nullptr ? words : "it ends too early")};
}

// Of a file that stands more than once the last counts, as it does for tar.
Result<Content> content_of(const Path& tar, Clock& clock, SteadyTime until) {
    const Result<UniqueFd> file = open_trusted_file(tar);
    LECTIO_TRY(file);
    const std::unique_ptr<archive, FreeArchive> reader(archive_read_new());
    if (reader == nullptr || archive_read_support_format_tar(reader.get()) != ARCHIVE_OK ||
        archive_read_open_fd(reader.get(), file->get(), k_piece) != ARCHIVE_OK) {
        return damaged(reader.get());
    }
    Content content;
    const auto piece = std::make_unique<std::array<char, k_piece>>();
    for (archive_entry* entry = nullptr;;) {
        const int next = archive_read_next_header(reader.get(), &entry);
        if (next == ARCHIVE_EOF) {
            return content;
        }
        const char* const name = next >= ARCHIVE_WARN ? archive_entry_pathname(entry) : nullptr;
        if (name == nullptr) {
            return damaged(reader.get());
        }
        if (const char* const target = archive_entry_hardlink(entry)) {
            content.links[name] = target;
            continue;
        }
        if (archive_entry_filetype(entry) != AE_IFREG) {
            continue;
        }
        const std::string path = name;
        const bool is_list = path == k_list_of_files;
        std::string text;
        Sha256 hash;
        for (;;) {
            const la_ssize_t got = archive_read_data(reader.get(), piece->data(), piece->size());
            if (got < 0) {
                return damaged(reader.get());
            }
            if (got == 0) {
                break;
            }
            if (clock.steady() >= until) {
                return Error{ErrorKind::timeout, "unable to read the tar: no time left"};
            }
            const std::string_view bytes(piece->data(), static_cast<std::size_t>(got));
            is_list ? void(text += bytes) : hash.add(bytes);
        }
        if (is_list) {
            content.list = std::move(text);
        } else {
            content.sums[path] = hash.finish();
        }
    }
}

// ── tar ─────────────────────────────────────────────────────────────────────────────────────────────────────

std::string name_in_tar(const Path& path) {
    return path.relative_path().string();
}

// The list goes last into the tar.
Result<void> append_list(const Sums& sums, const Path& tar, World& world, SteadyTime until) {
    const Path list = tar.string() + ".list";
    LECTIO_TRY(world.files.create_synced(list, list_of(sums), k_ours_alone));
    const Result<Said> said =
        run_tar({"--append", "--format=gnu", "--file=" + tar.string(),
                 fmt::format("--transform=s|.*|{}|", k_list_of_files),
                 "--directory=" + list.parent_path().string(), "--", list.filename().string()},
                world, until);
    LECTIO_TRY(remove_file(list));
    return said ? Result<void>{} : said.error();
}

bool is_below(const Path& path, const Path& folder) {
    return path != folder && lies_in(path, folder);
}

// The backups themselves stay out where they lie in what is backed up: each would hold all before it, twice as much each
// night. As it stands, not as a pattern.
std::vector<std::string> without_the_backups(const std::vector<Path>& paths, const Path& backups) {
    const bool lie_there =
        std::any_of(paths.begin(), paths.end(), [&](const Path& path) { return is_below(backups, path); });
    return lie_there
               ? std::vector<std::string>{"--anchored", "--no-wildcards", "--exclude=" + name_in_tar(backups),
                                          "--no-anchored", "--wildcards"}
               : std::vector<std::string>{};
}

Result<FilesSnapshot> make_tar(const FilesSource& source, const Path& into, World& world, SteadyTime until,
                               const ReadThrough& read, Bytes min_free) {
    FilesSnapshot snapshot;
    Result<std::vector<Path>> paths = in_truth(source.paths);
    LECTIO_TRY(paths);
    snapshot.paths = std::move(*paths);
    const Result<std::vector<Path>> backups = in_truth({into.parent_path()});
    LECTIO_TRY(backups);
    const Path& archive = backups->front();
    if (std::find(snapshot.paths.begin(), snapshot.paths.end(), archive) != snapshot.paths.end()) {
        return Error{ErrorKind::invalid, fmt::format("unable to back up {}: the backups themselves lie there",
                                                     clean_line(archive.string()))};
    }
    // --format=gnu: names are the bytes that they are on the disk, however long.
    std::vector<std::string> arguments{"--create",
                                       "--format=gnu",
                                       "--sort=name",
                                       "--one-file-system",
                                       "--quoting-style=escape",
                                       "--warning=no-file-ignored",
                                       "--file=" + into.string()};
    for (std::string& word : without_the_backups(snapshot.paths, archive)) {
        arguments.push_back(std::move(word));
    }
    for (const std::string& pattern : source.exclude) {
        arguments.push_back("--exclude=" + pattern);
    }
    arguments.insert(arguments.end(), {"--directory=/", "--"});
    for (const Path& path : snapshot.paths) {
        arguments.push_back(name_in_tar(path));
    }
    const Result<Said> said = run_tar(std::move(arguments), world, until, {into, min_free});
    LECTIO_TRY(said);
    snapshot.unsteady = said->lines.size();
    snapshot.changed.assign(said->lines.begin(),
                            said->lines.begin() +
                                static_cast<std::ptrdiff_t>(std::min(said->lines.size(), k_most_changed)));
    const Result<Content> content = content_of(into, world.clock, until);
    LECTIO_TRY(content);
    snapshot.files = content->sums.size();
    LECTIO_TRY(append_list(content->sums, into, world, until));
    Result<FileDigest> digest = read(into, world.clock, until);
    LECTIO_TRY(digest);
    snapshot.file = std::move(*digest);
    const Result<Said> version = run_tar({"--version"}, world, until);
    LECTIO_TRY(version);
    snapshot.made_with = clean_line(version->out.substr(0, version->out.find('\n')));
    return snapshot;
}

} // namespace

Result<std::vector<Path>> in_truth(const std::vector<std::filesystem::path>& paths) {
    std::vector<Path> all;
    for (const std::filesystem::path& path : paths) {
        std::error_code error;
        Path real = std::filesystem::canonical(path, error);
        if (error) {
            return Error{error == std::errc::no_such_file_or_directory ? ErrorKind::not_found
                                                                       : ErrorKind::permission,
                         fmt::format("unable to examine {}: {}", clean_line(path.string()), error.message())};
        }
        if (real == real.root_path()) {
            return Error{ErrorKind::invalid, "unable to back up /: name what is in it"};
        }
        all.push_back(std::move(real));
    }
    return all;
}

Result<FilesSnapshot> take_files(const FilesSource& source, const Path& into, World& world, SteadyTime until,
                                 const ReadThrough& read, Bytes min_free) {
    LECTIO_TRY(world.files.create_synced(into, "", k_ours_alone));
    return timed(world.clock, into, [&] { return make_tar(source, into, world, until, read, min_free); });
}

Result<std::vector<Text>> flaws_of_files(const Path& tar, const FilesSnapshot& snapshot, World& world,
                                         SteadyTime until) {
    const Result<FileDigest> digest = digest_of(tar, world.clock, until);
    LECTIO_TRY(digest);
    const Result<Content> content = content_of(tar, world.clock, until);
    if (!content && content.error().kind == ErrorKind::invalid) {
        return std::vector{say(k_unreadable, content.error().message)};
    }
    LECTIO_TRY(content);
    if (!content->list) {
        return std::vector{say(k_no_list)};
    }
    std::vector<Text> flaws;
    const Sums listed = sums_of(*content->list);
    for (const auto& [name, sum] : listed) {
        const auto there = content->sums.find(name);
        const bool same = there != content->sums.end() && there->second == sum;
        if (!same && flaws.size() < k_most_flaws) {
            flaws.push_back(say(there == content->sums.end() ? k_no_file : k_other_file, clean_line(name)));
        }
    }
    if (flaws.empty() && listed.size() != snapshot.files) {
        flaws.push_back(say(k_other_count, listed.size(), snapshot.files));
    }
    if (flaws.empty() && *digest != snapshot.file) {
        flaws.push_back(say(k_other_bytes));
    }
    return flaws;
}

namespace {

// `below` itself, or below it; everything is below "".
bool is_of(std::string_view name, const std::string& below) {
    return below.empty() || name == below || name.starts_with(below + "/");
}

// tar takes a hard link apart only together with the name under which its bytes are, which may be that of another path.
std::set<std::string> names_for(const std::string& below, const Content& content) {
    std::set<std::string> names{below};
    for (const auto& [name, target] : content.links) {
        if (is_of(name, below) && !is_of(target, below)) {
            names.insert(target);
        }
    }
    return names;
}

} // namespace

Result<void> extract_files(const Path& tar, const Extraction& extraction, World& world, SteadyTime until) {
    const Result<Content> content = content_of(tar, world.clock, until);
    LECTIO_TRY(content);
    const std::set<std::string> names = names_for(extraction.below, *content);
    std::vector<std::string> arguments{"--extract", "--preserve-permissions", "--file=" + tar.string(),
                                       "--directory=" + extraction.folder.string()};
    const PassingFile list(tar.string() + ".names", PassingFile::Earlier::goes);
    if (!extraction.below.empty()) {
        std::string all; // there may be more of them than a command line holds
        for (const std::string& name : names) {
            all += name + '\0';
        }
        LECTIO_TRY(world.files.create_synced(list.path(), all, k_ours_alone));
        arguments.insert(arguments.end(), {"--null", "--files-from=" + list.path().string()});
    }
    const Result<Said> said = run_tar(std::move(arguments), world, until);
    LECTIO_TRY(said);
    if (said->status != 0) {
        return Error{ErrorKind::io, said->lines.empty() ? "tar: exit status 1" : said->lines.front()};
    }
    const Result<TreeManifest> tree = read_tree(extraction.folder, world.clock, until);
    LECTIO_TRY(tree);
    std::map<std::string_view, std::string_view> there;
    for (const TreeEntry& entry : tree->entries) {
        there.emplace(entry.path, entry.sha256);
    }
    for (const auto& [name, sum] : sums_of(content->list.value_or(""))) {
        const bool wanted = is_of(name, extraction.below) || names.contains(name);
        const auto found = wanted ? there.find(name) : there.end();
        if (wanted && (found == there.end() || found->second != sum)) {
            return Error{ErrorKind::invalid,
                         fmt::format("unable to restore {}: it is not what it was", clean_line(name))};
        }
    }
    return {};
}

} // namespace lectio::backup
