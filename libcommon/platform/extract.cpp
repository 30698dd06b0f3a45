#include "platform/extract.h"

#include "platform/build_rules.h"
#include "platform/plain_bytes.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr mode_t k_file = 0644, k_program = 0755, k_folder = 0755;
constexpr std::uint64_t k_block = 512;       // of a tar
constexpr std::uint64_t k_end = 2 * k_block; // two blocks of zeros close it (POSIX, pax: ustar)
constexpr std::size_t k_longest_target = 1024;

constexpr Phrase k_nothing_came{"nothing came: the program before the pipe has failed",
                                "ничего не пришло: программа перед каналом не сработала"};
constexpr Phrase k_a_zip{"this is a zip; send a tar instead: tar cz -C build .",
                         "это zip; пришлите tar: tar cz -C build ."};
constexpr Phrase k_a_page{"this is no archive but a page (HTML): a download that failed?",
                          "это не архив, а страница (HTML): скачивание не удалось?"};
constexpr Phrase k_reencoded{
    "bytes were changed on the way: PowerShell before 7.4 rewrites what passes its pipe; use deploy_safe.ps1",
    "байты изменены по дороге: PowerShell до версии 7.4 переписывает всё, что идёт через канал; "
    "используйте deploy_safe.ps1"};
constexpr Phrase k_no_archive{"this is no tar archive; it begins with: {}", "это не архив tar; начало: {}"};
constexpr Phrase k_no_entries{"the archive is empty", "архив пуст"};
constexpr Phrase k_cut{"the archive ends too early, after {}: the sender's tar has failed",
                       "архив обрывается на середине, после {}: у отправителя не сработал tar"};
constexpr Phrase k_no_end{"the archive has no end mark: the sender's tar was interrupted",
                          "у архива нет метки конца: tar у отправителя прервали"};
constexpr Phrase k_after_end{"something else follows after the archive's end",
                             "после конца архива идёт что-то ещё"};
constexpr Phrase k_damaged{"the archive is damaged after {}: {}", "архив повреждён после {}: {}"};
constexpr Phrase k_its_beginning{"its beginning", "начала"};
constexpr Phrase k_odd{"{}: a device, FIFO or socket has no place in a build",
                       "{}: устройству, FIFO или сокету в сборке не место"};
constexpr Phrase k_set_id{"{}: a file that runs with its owner's rights (setuid, setgid)",
                          "{}: файл, который работает с правами владельца (setuid, setgid)"};
constexpr Phrase k_twice{"{} is in the archive twice", "{} есть в архиве дважды"};
constexpr Phrase k_both{"{} is both a file and a folder", "{} — и файл, и папка"};
constexpr Phrase k_system_refuses{"{}: this server's file system takes no such name",
                                  "{}: файловая система сервера не принимает такое имя"};
constexpr Phrase k_hard_link_out{"{}: a hard link to what is not in the archive before it: {}",
                                 "{}: жёсткая ссылка на то, чего в архиве перед ней нет: {}"};
constexpr Phrase k_hard_link_data{"{}: a hard link with content of its own",
                                  "{}: жёсткая ссылка с собственным содержимым"};
constexpr Phrase k_no_target{"{}: a link to nowhere", "{}: ссылка в никуда"};
constexpr Phrase k_manifest_late{"{} must come first: pack again with lectio-deploy pack",
                                 "{} должен идти первым: упакуйте заново, lectio-deploy pack"};
constexpr Phrase k_too_many{"more than {} files and folders", "больше {} файлов и папок"};
constexpr Phrase k_file_too_large{"{}: larger than {}", "{}: больше {}"};
constexpr Phrase k_too_large{"larger than {} in all", "всего больше {}"};
constexpr Phrase k_no_content{"{}: content at a negative place", "{}: содержимое на отрицательном месте"};

// What stops it: the archive's fault, or ours.
struct Stop {
    Text refused;
    std::optional<Error> error;
};

struct FreeArchive {
    void operator()(archive* reader) const { archive_read_free(reader); }
};

Stop refuse(Text words) {
    return {std::move(words), std::nullopt};
}

// ── where files are made ────────────────────────────────────────────────────────────────────────────────────────

class Folder {
  public:
    Folder(int root, const ReceiveLimits& limits) : m_root(root), m_limits(limits) {}

    // The folder that `path` lies in, made where it is not there; -1: m_stop says why not.
    int parent_of(std::string_view path) {
        const std::size_t slash = path.rfind('/');
        return slash == path.npos ? m_root : go_down(path.substr(0, slash));
    }
    int go_down(std::string_view path) {
        if (m_here.valid() && path == m_here_path) {
            return m_here.get();
        }
        UniqueFd at;
        for (const std::string_view name : split(path, '/')) {
            at = step(at.valid() ? at.get() : m_root, std::string(name), path);
            if (!at.valid()) {
                return -1;
            }
        }
        m_here = std::move(at);
        m_here_path = path;
        return m_here.get();
    }

    bool count_entry() {
        if (++m_entries > m_limits.entries) {
            m_stop = refuse(say(k_too_many, m_limits.entries));
        }
        return m_entries <= m_limits.entries;
    }
    [[nodiscard]] int root() const { return m_root; }
    Stop& stop() { return m_stop; }
    bool fail(std::string_view path) {
        const int reason = errno;
        const std::string name = shown_name(path);
        switch (reason) {
        case EEXIST:
            m_stop = refuse(say(k_twice, name));
            break;
        case ENOTDIR:
        case ELOOP:
            m_stop = refuse(say(k_both, name));
            break;
        case EINVAL:
        case EILSEQ:
        case ENAMETOOLONG:
            m_stop = refuse(say(k_system_refuses, name));
            break;
        default:
            m_stop = {{}, errno_error(fmt::format("create {}", name), reason)};
        }
        return false;
    }

  private:
    UniqueFd step(int parent, const std::string& name, std::string_view path) {
        UniqueFd found(::openat(parent, name.c_str(), k_flags));
        if (!found.valid() && errno == ENOENT && count_entry()) {
            if (::mkdirat(parent, name.c_str(), k_folder) == 0) {
                found.reset(::openat(parent, name.c_str(), k_flags));
            }
        }
        if (!found.valid() && m_entries <= m_limits.entries) {
            fail(path);
        }
        return found;
    }

    static constexpr int k_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int m_root;
    const ReceiveLimits& m_limits;
    std::uint64_t m_entries = 0;
    UniqueFd m_here; // files of one folder stand together
    std::string m_here_path;
    Stop m_stop;
};

// ── the archive ─────────────────────────────────────────────────────────────────────────────────────────────────

std::string_view base_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == path.npos ? path : path.substr(slash + 1);
}

class Extraction {
  public:
    Extraction(int input, int into, const ReceiveLimits& limits)
        : m_limits(limits), m_plain(input, limits), m_folder(into, limits), m_reader(archive_read_new()) {}

    Result<Extracted> run() {
        const bool whole = open() && entries() && whole_to_the_end() && lay_links();
        Stop& stop = whole ? m_none : m_folder.stop();
        if (m_input_error) {
            return *m_input_error;
        }
        if (stop.error) {
            return *stop.error;
        }
        m_extracted.refused = m_plain.refused().empty() ? std::move(stop.refused) : m_plain.refused();
        m_extracted.kind =
            m_plain.compression().empty() ? std::string("tar") : fmt::format("tar.{}", m_plain.compression());
        return std::move(m_extracted);
    }

  private:
    bool refused(Text words) {
        m_folder.stop() = refuse(std::move(words));
        return false;
    }
    bool failed(Error error) {
        m_folder.stop() = {{}, std::move(error)};
        return false;
    }

    static la_ssize_t give(archive* reader, void* self, const void** piece) {
        auto& extraction = *static_cast<Extraction*>(self);
        const Result<std::string_view> next = extraction.m_plain.next();
        if (!next) {
            extraction.m_input_error = next.error();
        } else if (extraction.m_plain.refused().empty()) {
            *piece = next->data();
            return static_cast<la_ssize_t>(next->size());
        }
        archive_set_error(reader, EIO, "unable to read");
        return ARCHIVE_FATAL;
    }

    bool open() {
        if (!m_reader || archive_read_support_format_tar(m_reader.get()) != ARCHIVE_OK) {
            return failed({ErrorKind::internal, "unable to set up libarchive"});
        }
        return archive_read_open(m_reader.get(), this, nullptr, give, nullptr) == ARCHIVE_OK || damaged();
    }

    // Of a call of libarchive that failed.
    bool damaged() {
        if (m_input_error || !m_plain.refused().empty()) {
            return false; // said there
        }
        if (!m_begun && !looks_like_tar()) {
            return refused(what_it_is());
        }
        const char* words = archive_error_string(m_reader.get());
        std::string_view said = words == nullptr ? "" : words;
        if (said.starts_with("Unrecognized")) { // a tar it is, only its first header cannot be read
            said = "wrong header";
        }
        if (archive_errno(m_reader.get()) == ENOMEM) {
            return failed({ErrorKind::too_large, "unable to unpack: out of memory"});
        }
        return refused(contains_ignoring_case(said, "truncated") ? say(k_cut, after())
                                                                 : say(k_damaged, after(), shown_name(said)));
    }

    [[nodiscard]] Text after() const {
        return m_last.empty() ? say(k_its_beginning) : verbatim(shown_name(m_last));
    }

    [[nodiscard]] bool looks_like_tar() const {
        constexpr std::size_t k_magic_at = 257; // ustar, and GNU's
        const std::string_view bytes = m_plain.beginning();
        return bytes.size() > k_magic_at && bytes.substr(k_magic_at).starts_with("ustar");
    }

    Text what_it_is() const {
        const std::string_view bytes = m_plain.beginning();
        constexpr std::string_view k_byte_order_mark = "\xef\xbb\xbf", k_wide = "\xff\xfe";
        if (m_plain.came() == 0) {
            return say(k_nothing_came);
        }
        if (m_plain.zeros_at_end() == m_plain.given()) {
            return say(k_no_entries);
        }
        if (bytes.starts_with("PK")) {
            return say(k_a_zip);
        }
        if (trim(bytes).starts_with('<')) {
            return say(k_a_page);
        }
        const bool rewritten =
            bytes.starts_with('\x1f') || bytes.starts_with(k_byte_order_mark) || bytes.starts_with(k_wide);
        if (rewritten && m_plain.compression().empty()) {
            return say(k_reencoded);
        }
        return say(k_no_archive, first_of(bytes));
    }

    static std::string first_of(std::string_view bytes) {
        constexpr std::size_t k_words = 40, k_bytes = 8;
        const std::string_view words = bytes.substr(0, k_words);
        if (clean_line(words) == trim(words)) {
            return std::string(trim(words));
        }
        std::string numbers;
        for (const char byte : bytes.substr(0, k_bytes)) {
            numbers += fmt::format("{}{:02x}", numbers.empty() ? "" : " ", static_cast<unsigned char>(byte));
        }
        return numbers;
    }

    bool entries() {
        for (;;) {
            archive_entry* entry = nullptr;
            const int done = archive_read_next_header(m_reader.get(), &entry);
            if (done == ARCHIVE_EOF) {
                return m_begun || refused(what_it_is());
            }
            // A warning: a field that it could only half understand.
            if (done != ARCHIVE_OK || !this->entry(entry)) {
                return done != ARCHIVE_OK ? damaged() : false;
            }
            m_begun = true;
            m_end_of_last = static_cast<std::uint64_t>(archive_filter_bytes(m_reader.get(), 0));
        }
    }

    bool entry(archive_entry* entry) {
        const char* given = archive_entry_pathname(entry);
        m_last = given == nullptr ? "" : given;
        if (!m_folder.count_entry()) {
            return false;
        }
        const std::optional<std::string> path = normalised(m_last);
        if (!path) {
            return false;
        }
        const mode_t type = archive_entry_filetype(entry);
        if (path->empty()) { // "./": the build itself
            m_extracted.rooted = true;
            return type == S_IFDIR || refused(say(k_twice, "."));
        }
        if (*path == k_manifest_name) {
            if (m_begun || type != S_IFREG) {
                return refused(say(k_manifest_late, k_manifest_name));
            }
            m_extracted.manifest_first = true;
        }
        if (archive_entry_hardlink(entry) != nullptr) {
            return hard_link(entry, *path);
        }
        switch (type) {
        case S_IFDIR:
            return folder(*path);
        case S_IFREG:
            return file(entry, *path);
        case S_IFLNK:
            return note_link(entry, *path);
        default:
            return refused(say(k_odd, shown_name(*path)));
        }
    }

    // Without "./", doubled and trailing slashes; empty: the root. Nothing: refused.
    std::optional<std::string> normalised(std::string_view name) {
        std::string path;
        if (name.empty() || name.starts_with('/')) {
            refused(why_not_path(name, m_limits.depth));
            return std::nullopt;
        }
        for (const std::string_view part : split(name, '/')) {
            if (!part.empty() && part != ".") {
                path.append(path.empty() ? "" : "/").append(part);
            }
        }
        if (path.empty()) {
            return path;
        }
        if (Text wrong = why_not_path(path, m_limits.depth); !wrong.empty()) {
            refused(std::move(wrong));
            return std::nullopt;
        }
        return path;
    }

    bool folder(const std::string& path) { return m_folder.go_down(path) >= 0; }

    UniqueFd make_file(const std::string& path, mode_t mode) {
        const int parent = m_folder.parent_of(path);
        if (parent < 0) {
            return UniqueFd();
        }
        UniqueFd made(::openat(parent, std::string(base_of(path)).c_str(),
                               O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
        if (!made.valid()) {
            m_folder.fail(path);
        }
        return made;
    }

    bool file(archive_entry* entry, const std::string& path) {
        const mode_t mode = archive_entry_perm(entry);
        if ((mode & (S_ISUID | S_ISGID)) != 0) {
            return refused(say(k_set_id, shown_name(path)));
        }
        const auto said = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0));
        if (!fits(path, said)) {
            return false;
        }
        const UniqueFd made = make_file(path, (mode & S_IXUSR) != 0 ? k_program : k_file);
        if (!made.valid()) {
            return false;
        }
        std::uint64_t size = 0;
        return content(made.get(), path, size) && in_proportion(std::max(said, size)) &&
               set_size(made.get(), path, std::max(said, size));
    }

    bool content(int made, const std::string& path, std::uint64_t& size) {
        for (;;) {
            const void* piece = nullptr;
            std::size_t length = 0;
            la_int64_t offset = 0;
            const int done = archive_read_data_block(m_reader.get(), &piece, &length, &offset);
            if (done == ARCHIVE_EOF) {
                return true;
            }
            if (done != ARCHIVE_OK) {
                m_begun = true;
                return damaged();
            }
            if (offset < 0) {
                return refused(say(k_no_content, shown_name(path)));
            }
            const std::uint64_t end = static_cast<std::uint64_t>(offset) + length;
            size = std::max(size, end);
            if (!fits(path, size) || !in_proportion(size) ||
                !write(made, {static_cast<const char*>(piece), length}, offset, path)) {
                return false;
            }
        }
    }

    bool write(int made, std::string_view bytes, off_t offset, const std::string& path) {
        while (!bytes.empty()) {
            const ssize_t written = ::pwrite(made, bytes.data(), bytes.size(), offset);
            if (written < 0 && errno != EINTR) {
                return failed(errno_error(fmt::format("write {}", shown_name(path)), errno));
            }
            const auto some = std::max<ssize_t>(written, 0);
            bytes.remove_prefix(static_cast<std::size_t>(some));
            offset += some;
        }
        return true;
    }

    // A hole at the end has no content; what a file has become counts, whatever its header said.
    bool set_size(int made, const std::string& path, std::uint64_t size) {
        m_total += size;
        struct stat seen {};
        const bool done = ::fstat(made, &seen) == 0 && (static_cast<std::uint64_t>(seen.st_size) == size ||
                                                        ::ftruncate(made, static_cast<off_t>(size)) == 0);
        return done || failed(errno_error(fmt::format("write {}", shown_name(path)), errno));
    }

    bool fits(const std::string& path, std::uint64_t size) {
        if (size > m_limits.file.count) {
            return refused(say(k_file_too_large, shown_name(path), format_size(m_limits.file)));
        }
        if (m_total + size > m_limits.total.count) {
            return refused(say(k_too_large, format_size(m_limits.total)));
        }
        return true;
    }

    // Of what has come by now: before its content, a file is no bomb whatever its header says.
    bool in_proportion(std::uint64_t size) {
        Text bomb = why_out_of_proportion(m_total + size, m_plain.came(), m_limits);
        return bomb.empty() || refused(std::move(bomb));
    }

    bool hard_link(archive_entry* entry, const std::string& path) {
        const std::string given = archive_entry_hardlink(entry);
        const void* piece = nullptr;
        std::size_t length = 0;
        la_int64_t offset = 0;
        if (archive_read_data_block(m_reader.get(), &piece, &length, &offset) == ARCHIVE_OK && length > 0) {
            return refused(say(k_hard_link_data, shown_name(path)));
        }
        const std::optional<std::string> target = normalised(given);
        if (!target) {
            return false;
        }
        const UniqueFd original = target->empty() ? UniqueFd() : open_made(*target);
        struct stat seen {};
        if (!original.valid() || ::fstat(original.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) {
            return refused(say(k_hard_link_out, shown_name(path), shown_name(given)));
        }
        const auto size = static_cast<std::uint64_t>(seen.st_size);
        if (!fits(path, size) || !in_proportion(size)) {
            return false;
        }
        const UniqueFd copy = make_file(path, seen.st_mode & k_program);
        return copy.valid() && copy_content(original.get(), copy.get(), path) &&
               set_size(copy.get(), path, size);
    }

    // What the archive has brought before: no folder is made on the way to it.
    UniqueFd open_made(const std::string& path) const {
        UniqueFd at;
        std::vector<std::string_view> names = split(path, '/');
        const std::string last(names.back());
        names.pop_back();
        for (const std::string_view name : names) {
            UniqueFd next(::openat(at.valid() ? at.get() : m_folder.root(), std::string(name).c_str(),
                                   O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            if (!next.valid()) {
                return next;
            }
            at = std::move(next);
        }
        return UniqueFd(::openat(at.valid() ? at.get() : m_folder.root(), last.c_str(),
                                 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    }

    bool copy_content(int from, int to, const std::string& path) {
        std::array<char, 65536> piece{};
        off_t offset = 0;
        for (;;) {
            const ssize_t got = ::pread(from, piece.data(), piece.size(), offset);
            if (got < 0) {
                return failed(errno_error(fmt::format("read {}", shown_name(path)), errno));
            }
            if (got == 0) {
                return true;
            }
            if (!write(to, {piece.data(), static_cast<std::size_t>(got)}, offset, path)) {
                return false;
            }
            offset += got;
        }
    }

    bool note_link(archive_entry* entry, const std::string& path) {
        const char* target = archive_entry_symlink(entry);
        if (target == nullptr || *target == '\0' || std::strlen(target) > k_longest_target) {
            return refused(say(k_no_target, shown_name(path)));
        }
        m_links.emplace_back(path, target);
        return true;
    }

    bool lay_links() {
        for (const auto& [path, target] : m_links) {
            const int parent = m_folder.parent_of(path);
            if (parent < 0) {
                return false;
            }
            if (::symlinkat(target.c_str(), parent, std::string(base_of(path)).c_str()) != 0) {
                return m_folder.fail(path);
            }
        }
        return true;
    }

    // libarchive takes the end of the bytes for the end of the archive, and does not look what follows.
    bool whole_to_the_end() {
        for (;;) {
            const Result<std::string_view> more = m_plain.next();
            if (!more) {
                m_input_error = more.error();
                return false;
            }
            if (!m_plain.refused().empty()) {
                return false;
            }
            if (more->empty()) {
                break;
            }
        }
        const std::uint64_t end_of_last = (m_end_of_last + k_block - 1) / k_block * k_block;
        if (m_plain.given() < end_of_last + k_end) {
            return refused(say(k_no_end));
        }
        return m_plain.zeros_at_end() >= m_plain.given() - end_of_last || refused(say(k_after_end));
    }

    const ReceiveLimits& m_limits;
    PlainBytes m_plain;
    Folder m_folder;
    std::unique_ptr<archive, FreeArchive> m_reader;
    std::optional<Error> m_input_error;
    Stop m_none;
    bool m_begun = false; // at least one entry was read
    std::string m_last;   // the entry that was read last
    std::uint64_t m_end_of_last = 0;
    std::uint64_t m_total = 0;
    std::vector<std::pair<std::string, std::string>> m_links;
    Extracted m_extracted;
};

} // namespace

Result<Extracted> extract(int input, int into, const ReceiveLimits& limits) {
    return Extraction(input, into, limits).run();
}

} // namespace lectio
