#include "platform/pack.h"

#include "platform/build_rules.h"
#include "platform/folder_names.h"
#include "platform/sha256.h"
#include "platform/stop.h"
#include "platform/trusted_path.h"
#include "platform/utf8_locale.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr mode_t k_file = 0644, k_program = 0755, k_folder = 0755, k_link = 0777;

constexpr int k_one_byte = 1; // the last block is as long as it is: no padding behind gzip's end

struct FreeArchive {
    void operator()(archive* writer) const { archive_write_free(writer); }
};
struct FreeEntry {
    void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

// Without what the machine at hand makes of it: a tree packed twice is the same archive.
void make_plain(TreeManifest& tree) {
    for (TreeEntry& entry : tree.entries) {
        if (entry.type == TreeEntry::Type::folder) {
            entry.mode = k_folder;
        } else if (entry.type == TreeEntry::Type::file) {
            entry.mode = (entry.mode & S_IXUSR) != 0 ? k_program : k_file;
        }
    }
}

class Packing {
  public:
    Packing(int folder, const Path& shown, int output, Clock& clock, SteadyTime until)
        : m_folder(folder), m_shown(shown), m_output(output), m_clock(clock), m_until(until),
          m_writer(archive_write_new()) {}

    Result<void> write(const TreeManifest& tree) {
        if (!ready()) {
            return failed();
        }
        const std::string manifest = format_manifest(tree);
        TreeEntry first;
        first.path = k_manifest_name, first.mode = k_file, first.size = {manifest.size()};
        LECTIO_TRY(header(first));
        LECTIO_TRY(data(manifest));
        for (const TreeEntry& entry : tree.entries) {
            LECTIO_TRY(header(entry));
            if (entry.type == TreeEntry::Type::file) {
                LECTIO_TRY(content(entry));
            }
        }
        return archive_write_close(m_writer.get()) == ARCHIVE_OK ? Result<void>{} : failed();
    }

  private:
    bool ready() {
        archive* const writer = m_writer.get();
        return writer != nullptr && archive_write_set_format_pax_restricted(writer) == ARCHIVE_OK &&
               archive_write_add_filter_gzip(writer) == ARCHIVE_OK &&
               archive_write_set_filter_option(writer, "gzip", "timestamp", nullptr) == ARCHIVE_OK &&
               archive_write_set_bytes_in_last_block(writer, k_one_byte) == ARCHIVE_OK &&
               archive_write_open(writer, this, nullptr, take, nullptr) == ARCHIVE_OK;
    }

    static la_ssize_t take(archive* writer, void* self, const void* bytes, std::size_t size) {
        auto& packing = *static_cast<Packing*>(self);
        if (stop_requested() || packing.m_clock.steady() >= packing.m_until) {
            packing.m_error = no_time_left("pack", packing.m_shown);
            archive_set_error(writer, EIO, "no time left");
            return -1;
        }
        const ssize_t written = ::write(packing.m_output, bytes, size);
        if (written < 0 && errno == EINTR) {
            return 0;
        }
        if (written < 0) {
            packing.m_error = errno_error("write the archive", errno);
            archive_set_error(writer, EIO, "unable to write");
        }
        return written;
    }

    Result<void> header(const TreeEntry& entry) {
        const std::unique_ptr<archive_entry, FreeEntry> made(archive_entry_new());
        archive_entry_set_pathname(made.get(), entry.path.c_str());
        archive_entry_set_mtime(made.get(), 0, 0);
        switch (entry.type) {
        case TreeEntry::Type::folder:
            archive_entry_set_mode(made.get(), S_IFDIR | entry.mode);
            break;
        case TreeEntry::Type::link:
            archive_entry_set_mode(made.get(), S_IFLNK | k_link);
            archive_entry_set_symlink(made.get(), entry.target.c_str());
            break;
        default:
            archive_entry_set_mode(made.get(), S_IFREG | entry.mode);
            archive_entry_set_size(made.get(), static_cast<la_int64_t>(entry.size.count));
        }
        return archive_write_header(m_writer.get(), made.get()) == ARCHIVE_OK ? Result<void>{} : failed();
    }

    Result<void> data(std::string_view bytes) {
        const la_ssize_t done = archive_write_data(m_writer.get(), bytes.data(), bytes.size());
        return done == static_cast<la_ssize_t>(bytes.size()) ? Result<void>{} : failed();
    }

    // As long as its header says, with the hash that the manifest has.
    Result<void> content(const TreeEntry& entry) {
        const UniqueFd file = open_below(entry.path);
        if (!file.valid()) {
            return unable("open", m_shown / entry.path);
        }
        Sha256 hash;
        std::uint64_t left = entry.size.count;
        while (left > 0) {
            const std::size_t most = std::min<std::uint64_t>(left, m_piece.size());
            const ssize_t got = ::read(file.get(), m_piece.data(), most);
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got < 0) {
                return unable("read", m_shown / entry.path);
            }
            if (got == 0) {
                break;
            }
            const std::string_view bytes(m_piece.data(), static_cast<std::size_t>(got));
            hash.add(bytes);
            LECTIO_TRY(data(bytes));
            left -= bytes.size();
        }
        return hash.finish() == entry.sha256
                   ? Result<void>{}
                   : Error{ErrorKind::busy, fmt::format("unable to read {}: it changes while it is read",
                                                        clean_line((m_shown / entry.path).string()))};
    }

    // Along folders only: what was one when the manifest was made may be a link by now.
    [[nodiscard]] UniqueFd open_below(const std::string& path) const {
        UniqueFd here;
        std::vector<std::string_view> names = split(path, '/');
        for (std::size_t i = 0; i < names.size(); ++i) {
            const bool last = i + 1 == names.size();
            UniqueFd next(
                ::openat(here.valid() ? here.get() : m_folder, std::string(names[i]).c_str(),
                         O_NOFOLLOW | O_CLOEXEC | (last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY)));
            if (!next.valid()) {
                return next;
            }
            here = std::move(next);
        }
        return here;
    }

    Error failed() {
        if (m_error) {
            return *m_error;
        }
        const char* words = m_writer ? archive_error_string(m_writer.get()) : nullptr;
        return {ErrorKind::internal,
                fmt::format("unable to pack: {}", clean_line(words == nullptr ? "out of memory" : words))};
    }

    int m_folder;
    const Path& m_shown;
    int m_output;
    Clock& m_clock;
    SteadyTime m_until;
    std::unique_ptr<archive, FreeArchive> m_writer;
    std::optional<Error> m_error;
    std::array<char, 65536> m_piece{};
};

} // namespace

Result<Packed> pack(const Path& folder, int output, Clock& clock, SteadyTime until) {
    const Result<UniqueFd> opened = open_trusted_folder(folder);
    LECTIO_TRY(opened);
    TreeReading reading;
    reading.leave_out = [](std::string_view below) { return below == k_manifest_name; };
    Result<TreeManifest> tree = read_tree_in(opened->get(), folder, clock, until, reading);
    LECTIO_TRY(tree);
    make_plain(*tree);
    Packed packed;
    packed.refused = why_not_tree(*tree, {});
    if (packed.refused.empty()) {
        const Utf8Locale names;
        LECTIO_TRY(Packing(opened->get(), folder, output, clock, until).write(*tree));
    }
    packed.tree = std::move(*tree);
    return packed;
}

} // namespace lectio
