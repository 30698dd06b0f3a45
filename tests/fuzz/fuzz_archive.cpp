// A build as an archive: whatever bytes come, what is written lies in the one folder, within its limits, and the refusal
// is one line. Taken apart in this process, as the child of unpack.h does it.
#include "platform/build_rules.h"
#include "platform/extract.h"
#include "platform/remove_tree.h"
#include "platform/utf8_locale.h"
#include "property.h"
#include "util/unique_fd.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;
using fuzz::require;

namespace {

// The folder of one fuzzer process, in memory where that is there: "into" and what must stay as it is.
class Ground {
  public:
    Ground() {
        std::error_code none;
        const std::string memory = "/dev/shm";
        std::string name = (std::filesystem::is_directory(memory, none) ? memory : std::string("/tmp")) +
                           "/lectio-fuzz-XXXXXX";
        require(::mkdtemp(name.data()) != nullptr, "a temporary folder");
        m_path = name;
        m_folder.reset(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const UniqueFd secret(::openat(m_folder.get(), "secret", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        require(::write(secret.get(), "secret", 6) == 6, "a secret");
    }
    ~Ground() {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    Ground(const Ground&) = delete;
    Ground& operator=(const Ground&) = delete;

    UniqueFd make() const {
        require(::mkdirat(m_folder.get(), "into", 0700) == 0, "nothing is left of the last input");
        return UniqueFd(::openat(m_folder.get(), "into", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    void clear() const {
        require(remove_tree_in(m_folder.get(), "into", "into").ok(), "what was unpacked can be removed");
        std::error_code none;
        int names = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(m_path, none)) {
            ++names;
        }
        struct stat seen {};
        require(names == 1 && ::fstatat(m_folder.get(), "secret", &seen, AT_SYMLINK_NOFOLLOW) == 0 &&
                    S_ISREG(seen.st_mode) && seen.st_size == 6 && seen.st_nlink == 1,
                "nothing outside the folder has changed");
    }

  private:
    std::string m_path;
    UniqueFd m_folder;
};

ReceiveLimits small() {
    ReceiveLimits limits;
    limits.total = 1_MB, limits.file = 512_kB, limits.entries = 100, limits.depth = 8;
    limits.ratio_from = 256_kB;
    return limits;
}

// Wrong checksums would keep nearly every change of an input from being looked at any further.
std::string with_checksums(std::string bytes) {
    constexpr std::size_t k_block = 512, k_magic = 257, k_sum = 148, k_digits = 8;
    for (std::size_t at = 0; at + k_block <= bytes.size(); at += k_block) {
        if (bytes.compare(at + k_magic, 5, "ustar") != 0) {
            continue;
        }
        bytes.replace(at + k_sum, k_digits, k_digits, ' ');
        unsigned sum = 0;
        for (std::size_t i = 0; i < k_block; ++i) {
            sum += static_cast<unsigned char>(bytes[at + i]);
        }
        const std::string octal = fmt::format("{:06o}", sum);
        bytes.replace(at + k_sum, octal.size(), octal);
        bytes[at + k_sum + octal.size()] = '\0';
    }
    return bytes;
}

void judge(int folder, const Extracted& extracted, const ReceiveLimits& limits) {
    require(extracted.refused.en.empty() == extracted.refused.ru.empty(), "a refusal has both languages");
    require(extracted.refused.en.find('\n') == std::string::npos, "a refusal is one line");
    SystemClock clock;
    const Result<TreeManifest> tree =
        read_tree_in(folder, "into", clock, clock.steady() + std::chrono::minutes(1));
    require(tree.ok(), "what was unpacked can be read");
    require(tree->entries.size() <= limits.entries, "no more entries than allowed");
    require(tree->size().count <= limits.total.count, "no more bytes than allowed");
    for (const TreeEntry& entry : tree->entries) {
        require(entry.type != TreeEntry::Type::other, "files, folders and links only");
        require(why_not_path(entry.path, limits.depth).empty(), "plain names only");
        require((entry.mode & 07022) == 0, "plain modes only");
    }
    const Result<TreeManifest> again = parse_manifest(format_manifest(*tree));
    require(again && again->entries == tree->entries, "its manifest says it all");
}

} // namespace

// An xz may ask for a dictionary of gigabytes, of which it touches little; in the product RLIMIT_AS is before it.
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
    static std::string more = "-malloc_limit_mb=8192";
    static std::vector<char*> all(*arguments, *arguments + *count);
    all.insert(all.begin() + 1, more.data());
    all.push_back(nullptr);
    *count += 1;
    *arguments = all.data();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Ground ground;
    static const Utf8Locale names;
    const std::string bytes = with_checksums(std::string(fuzz::text_of(data, size)));
    const UniqueFd input(::memfd_create("archive", MFD_CLOEXEC));
    require(::pwrite(input.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
            "room for the input");
    const UniqueFd into = ground.make();
    const ReceiveLimits limits = small();
    const Result<Extracted> extracted = extract(input.get(), into.get(), limits);
    require(extracted.ok(), "whatever is wrong is the archive's fault");
    judge(into.get(), *extracted, limits);
    ground.clear();
    return 0;
}
