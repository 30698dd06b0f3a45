#include "platform/unpack.h"

#include "platform/build_rules.h"
#include "platform/child_process.h"
#include "platform/extract.h"
#include "platform/folder_names.h"
#include "platform/privileges.h"
#include "platform/stop.h"
#include "platform/trusted_path.h"
#include "platform/utf8_locale.h"
#include "util/text.h"
#include "util/unique_fd.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <new>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr Duration k_tick{100};           // how soon a wish to stop is noticed
constexpr Bytes k_longest_answer = 64_kB; // of the child
constexpr Bytes k_largest_manifest = 64_MB;
constexpr Bytes k_memory = 384_MB; // beyond our own: zstd and xz ask for up to 128 MB by their usual settings
constexpr rlim_t k_descriptors = 64;
constexpr rlim_t k_more_seconds = 5; // of the processor than the deadline leaves: that one speaks first
constexpr std::size_t k_longest_words = 400;

constexpr Phrase k_too_hungry{"unpacking it takes too much processor time or memory",
                              "распаковка требует слишком много времени процессора или памяти"};
constexpr Phrase k_bad_manifest{"its manifest is damaged: {}", "его манифест повреждён: {}"};

// ── the child ───────────────────────────────────────────────────────────────────────────────────────────────────

constexpr int k_answer = STDERR_FILENO + 1;
constexpr int k_into = k_answer + 1;

struct ChildPlan {
    int input, into, answer;
    const User& as;
    const ReceiveLimits& limits;
    rlim_t seconds;
    pid_t parent;
};

void limit(__rlimit_resource what, rlim_t most) {
    const rlimit both{most, most};
    ::setrlimit(what, &both);
}

// What sanitizers lay out at start is terabytes of addresses, none of them memory.
#if !defined(__SANITIZE_ADDRESS__)
rlim_t addresses_in_use() {
    std::array<char, 64> text{};
    const UniqueFd file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
    const ssize_t got = file.valid() ? ::read(file.get(), text.data(), text.size() - 1) : -1;
    const long pages = got > 0 ? std::strtol(text.data(), nullptr, 10) : 0;
    return static_cast<rlim_t>(pages) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}
#endif

bool place_descriptors(const ChildPlan& plan) {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    // First out of the way of the places that are about to be taken.
    const int input = ::fcntl(plan.input, F_DUPFD_CLOEXEC, k_into + 1);
    const int into = ::fcntl(plan.into, F_DUPFD_CLOEXEC, k_into + 1);
    const int answer = ::fcntl(plan.answer, F_DUPFD_CLOEXEC, k_into + 1);
    const int nowhere = ::fcntl(null, F_DUPFD_CLOEXEC, k_into + 1);
    return ::dup2(input, STDIN_FILENO) >= 0 && ::dup2(nowhere, STDOUT_FILENO) >= 0 &&
           ::dup2(nowhere, STDERR_FILENO) >= 0 && ::dup2(answer, k_answer) >= 0 &&
           ::dup2(into, k_into) >= 0 && ::close_range(k_into + 1, ~0U, 0) == 0;
}

bool become(const User& as) {
    return as.uid == ::geteuid() ||
           (::setgroups(0, nullptr) == 0 && ::setresgid(as.gid, as.gid, as.gid) == 0 &&
            ::setresuid(as.uid, as.uid, as.uid) == 0);
}

// Where the kernel has Landlock (Linux 5.13, if it is on): of all files only those below the folder can be touched.
void confine_to(int folder) {
    landlock_ruleset_attr rules{};
    rules.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1U) - 1; // all of the first version
    const auto made = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0U));
    if (made < 0) {
        return;
    }
    const UniqueFd ruleset(made);
    landlock_path_beneath_attr beneath{};
    beneath.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                             LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                             LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM;
    beneath.parent_fd = folder;
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0U) == 0) {
        ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0U);
    }
}

bool give_up_rights(const ChildPlan& plan) {
    if (!place_descriptors(plan) || !become(plan.as) || !forbid_new_privileges()) {
        return false;
    }
    // After the change of user, which clears it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
#if !defined(__SANITIZE_ADDRESS__)
    limit(RLIMIT_AS, addresses_in_use() + k_memory.count);
#endif
    confine_to(k_into);
    limit(RLIMIT_NOFILE, k_descriptors);
    limit(RLIMIT_FSIZE, plan.limits.file.count);
    limit(RLIMIT_CPU, plan.seconds);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_CORE, 0);
    ::signal(SIGXFSZ, SIG_IGN);
    return ::getppid() == plan.parent;
}

// What the child tells: fields separated by NUL, which none of them holds.
struct Answer {
    std::string error; // of ours, in words; empty: none
    int kind = 0;      // its ErrorKind
    Extracted extracted;
};

std::string packed(const Answer& answer) {
    std::string text;
    for (const std::string& field :
         {answer.error, std::to_string(answer.kind), answer.extracted.refused.en, answer.extracted.refused.ru,
          answer.extracted.kind, std::string(answer.extracted.manifest_first ? "1" : ""),
          std::string(answer.extracted.rooted ? "1" : "")}) {
        text += field + '\0';
    }
    return text;
}

Answer error_answer(const Error& error) {
    Answer answer;
    answer.error = error.message;
    answer.kind = static_cast<int>(error.kind);
    return answer;
}

Answer extracted(const ReceiveLimits& limits) {
    try {
        Result<Extracted> done = extract(STDIN_FILENO, k_into, limits);
        if (!done) {
            return error_answer(done.error());
        }
        Answer answer;
        answer.extracted = std::move(*done);
        return answer;
    } catch (const std::bad_alloc&) {
        Answer answer;
        answer.extracted.refused = say(k_too_hungry);
        return answer;
    } catch (const std::exception& problem) {
        return error_answer({ErrorKind::internal, problem.what()});
    }
}

[[noreturn]] void be_child(const ChildPlan& plan) {
    ::setsid();
    reset_signals();
    ::umask(0);
    const Utf8Locale names; // read from a file, so while we may; pax headers are UTF-8
    if (!give_up_rights(plan)) {
        const std::string text = packed(error_answer({ErrorKind::internal, "unable to give up rights"}));
        [[maybe_unused]] const ssize_t told = ::write(k_answer, text.data(), text.size());
        ::_exit(1);
    }
    const std::string text = packed(extracted(plan.limits));
    ::_exit(::write(k_answer, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
}

// ── the parent ──────────────────────────────────────────────────────────────────────────────────────────────────

// Ended and reaped with its object.
class Unpacker {
  public:
    explicit Unpacker(pid_t pid) : m_pid(pid) {}
    ~Unpacker() { end(); }
    Unpacker(const Unpacker&) = delete;
    Unpacker& operator=(const Unpacker&) = delete;
    // The wait status of wait(2).
    int end() {
        if (m_pid > 0) {
            ::kill(m_pid, SIGKILL); // it has said all that it had to say, or will not
            while (::waitpid(m_pid, &m_status, 0) < 0 && errno == EINTR) {
            }
            m_pid = -1;
        }
        return m_status;
    }

  private:
    pid_t m_pid;
    int m_status = 0;
};

Error too_late() {
    return {ErrorKind::timeout, "unable to unpack: no time left"};
}

// All that the child says until it ends.
Result<std::string> words_of(int pipe, Clock& clock, SteadyTime until) {
    std::string words;
    std::array<char, 4096> piece{};
    for (;;) {
        const SteadyTime now = clock.steady();
        if (stop_requested() || now >= until) {
            return too_late();
        }
        pollfd ready{pipe, POLLIN, 0};
        const auto left = std::chrono::ceil<Duration>(until - now);
        if (::poll(&ready, 1, static_cast<int>(std::min(left, k_tick).count())) <= 0) {
            continue;
        }
        const ssize_t got = ::read(pipe, piece.data(), piece.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || words.size() > k_longest_answer.count) {
            return words;
        }
        words.append(piece.data(), static_cast<std::size_t>(got));
    }
}

// It has handled hostile bytes: what it says is text from outside.
std::optional<Answer> understood(std::string_view words) {
    constexpr std::size_t k_fields = 8; // seven, and nothing behind the last
    const std::vector<std::string_view> fields = split(words, '\0');
    if (fields.size() != k_fields) {
        return std::nullopt;
    }
    const auto line = [&](std::size_t field) { return shorten(clean_line(fields[field]), k_longest_words); };
    Answer answer;
    answer.error = line(0);
    const int kind = fields[1].size() == 1 ? fields[1].front() - '0' : -1;
    answer.kind =
        kind >= 0 && kind <= static_cast<int>(ErrorKind::internal) ? kind : static_cast<int>(ErrorKind::io);
    answer.extracted.refused = {line(2), line(3)};
    answer.extracted.kind = line(4);
    answer.extracted.manifest_first = !fields[5].empty();
    answer.extracted.rooted = !fields[6].empty();
    return answer;
}

Result<Extracted> extract_in_child(const ChildPlan& given, Clock& clock, SteadyTime until) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return errno_error("make a pipe", errno);
    }
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    ChildPlan plan = given;
    plan.answer = writing.get();
    plan.parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        return errno_error("start a child process", errno);
    }
    if (pid == 0) {
        be_child(plan);
    }
    Unpacker unpacker(pid);
    writing.reset();
    const Result<std::string> words = words_of(reading.get(), clock, until);
    LECTIO_TRY(words);
    const std::optional<Answer> answer = understood(*words);
    if (answer) {
        return answer->error.empty()
                   ? Result<Extracted>(answer->extracted)
                   : Result<Extracted>(Error{static_cast<ErrorKind>(answer->kind), answer->error});
    }
    const int status = unpacker.end();
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
        Extracted hungry;
        hungry.refused = say(k_too_hungry);
        return hungry;
    }
    return Error{ErrorKind::internal, "unable to unpack: the child process ended without an answer"};
}

// ── what it left ────────────────────────────────────────────────────────────────────────────────────────────────

Result<std::vector<std::string>> names_in(int folder, const Path& shown) {
    std::vector<std::string> names;
    LECTIO_TRY(for_each_name(folder, ".", shown, [&](int, const std::string& name) {
        names.push_back(name);
        return Result<void>{};
    }));
    return names;
}

// The manifest is no part of the build: it goes.
Result<TreeManifest> take_manifest(int folder, const Path& shown) {
    const std::string name(k_manifest_name);
    const UniqueFd file(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) {
        return unable("open", shown / name);
    }
    const Result<std::string> text =
        SystemFiles().read(fmt::format("/proc/self/fd/{}", file.get()), k_largest_manifest);
    LECTIO_TRY(text);
    if (::unlinkat(folder, name.c_str(), 0) != 0) {
        return unable("remove", shown / name);
    }
    return parse_manifest(*text);
}

// What lies in the only folder goes up beside it, and the folder goes. Its own name may be one of those within.
Result<void> lift(int folder, const std::string& only, const Path& shown) {
    const std::string aside = fmt::format("{}.lectio-{}", only.substr(0, 200), ::getpid());
    if (::renameat2(folder, only.c_str(), folder, aside.c_str(), RENAME_NOREPLACE) != 0) {
        return unable("rename", shown / only);
    }
    const UniqueFd top(::openat(folder, aside.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!top.valid()) {
        return unable("open", shown / only);
    }
    const Result<std::vector<std::string>> names = names_in(top.get(), shown / only);
    LECTIO_TRY(names);
    for (const std::string& name : *names) {
        if (::renameat2(top.get(), name.c_str(), folder, name.c_str(), RENAME_NOREPLACE) != 0) {
            return unable("rename", shown / only / name);
        }
    }
    return ::unlinkat(folder, aside.c_str(), AT_REMOVEDIR) == 0 ? Result<void>{}
                                                                : unable("remove", shown / only);
}

Result<void> strip_top_folder(int folder, const Path& shown, Received& received) {
    const Result<std::vector<std::string>> names = names_in(folder, shown);
    LECTIO_TRY(names);
    struct stat seen {};
    if (names->size() != 1 || ::fstatat(folder, names->front().c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISDIR(seen.st_mode)) {
        return {};
    }
    received.top_folder = names->front();
    return lift(folder, names->front(), shown);
}

Result<Received> judged(int folder, const Path& shown, const Extracted& extracted,
                        const ReceiveLimits& limits, TopFolder top_folder, Clock& clock, SteadyTime until) {
    Received received;
    received.kind = extracted.kind;
    received.refused = extracted.refused;
    if (!received.refused.empty()) {
        return received;
    }
    std::optional<TreeManifest> promised;
    if (extracted.manifest_first) {
        Result<TreeManifest> manifest = take_manifest(folder, shown);
        if (!manifest) {
            received.refused = say(k_bad_manifest, error_words(manifest.error().message));
            return received;
        }
        promised = std::move(*manifest);
    } else if (!extracted.rooted && top_folder == TopFolder::strip) {
        LECTIO_TRY(strip_top_folder(folder, shown, received));
    }
    Result<TreeManifest> tree = read_tree_in(folder, shown, clock, until);
    LECTIO_TRY(tree);
    received.tree = std::move(*tree);
    if (promised) {
        received.refused = why_not_as_promised(*promised, received.tree);
    }
    if (received.refused.empty()) {
        received.refused = why_not_tree(received.tree, limits);
    }
    received.verified = promised.has_value() && received.refused.empty();
    return received;
}

} // namespace

Result<Received> unpack(int input, const Path& into, const User& as, const ReceiveLimits& limits,
                        TopFolder top_folder, Clock& clock, SteadyTime until) {
    const Result<UniqueFd> found = open_trusted_folder(into);
    LECTIO_TRY(found);
    const UniqueFd folder(::openat(found->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid()) {
        return unable("open", into);
    }
    const Result<std::vector<std::string>> names = names_in(folder.get(), into);
    LECTIO_TRY(names);
    if (!names->empty()) {
        return Error{ErrorKind::invalid, fmt::format("unable to unpack into {}: the folder is not empty",
                                                     clean_line(into.string()))};
    }
    if (as.uid != ::geteuid() && ::fchown(folder.get(), as.uid, as.gid) != 0) {
        return unable("change the owner of", into);
    }
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(until - clock.steady()).count();
    const ChildPlan plan{input,  folder.get(),
                         -1,     as,
                         limits, static_cast<rlim_t>(std::max<std::int64_t>(seconds, 0)) + k_more_seconds,
                         0};
    const Result<Extracted> extracted = extract_in_child(plan, clock, until);
    LECTIO_TRY(extracted);
    return judged(folder.get(), into, *extracted, limits, top_folder, clock, until);
}

} // namespace lectio
