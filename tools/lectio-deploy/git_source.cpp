#include "git_source.h"

#include "platform/processes.h"
#include "platform/trusted_path.h"
#include "platform/unpack.h"
#include "recovery/command.h"
#include "util/text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace lectio::deploy {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_longest = 10min;
constexpr Duration k_to_look = 10s;
constexpr Bytes k_output = 256_kB;
constexpr std::size_t k_most_subjects = 5;
constexpr std::string_view k_from_git = "git";

constexpr Phrase k_no_ref{"{} is no name of a branch, tag or commit", "{} — не имя ветки, метки или коммита"};
constexpr Phrase k_no_such_ref{"there is no {} in {}", "в {1} нет {0}"};
constexpr Phrase k_failed{"git {}: {}", "git {}: {}"};
constexpr Phrase k_no_remote{
    "the repository of the first release has no remote {}: name a URL in deploy.backend.git.remote",
    "в репозитории первого релиза нет remote {}: укажите URL в deploy.backend.git.remote"};
constexpr Phrase k_commits{"{}: {}", "{}: {}"};
constexpr Noun k_commit_noun{"commit", "commits", "коммит", "коммита", "коммитов"};

Path mirror_of(const release::Shelf& shelf) {
    return shelf.places().releases / ".repository";
}

ProcessRequest git(const User& as, std::vector<std::string> words, Duration timeout) {
    ProcessRequest request;
    request.command = {std::string(k_from_git)};
    request.command.insert(request.command.end(), words.begin(), words.end());
    request.user = as.uid == effective_user() ? "" : as.name;
    // Nobody is there to type a password.
    request.environment = {{"GIT_TERMINAL_PROMPT", "0"}, {"GIT_SSH_COMMAND", "ssh -o BatchMode=yes"}};
    request.timeout = timeout;
    request.max_output = k_output;
    return request;
}

bool is_address(const std::string& remote) {
    return remote.find('/') != std::string::npos || remote.find(':') != std::string::npos;
}

class GitSource final : public release::BuildSource {
  public:
    GitSource(std::string remote, std::string ref, release::Shelf shelf, World& world, ReleaseDisk& disk,
              User as)
        : m_remote(std::move(remote)), m_ref(std::move(ref)), m_shelf(std::move(shelf)), m_world(world),
          m_disk(disk), m_as(std::move(as)) {}

    [[nodiscard]] std::string name() const override {
        return fmt::format("{} {} {}", k_from_git, clean_line(redact(m_remote)), clean_line(m_ref));
    }
    [[nodiscard]] std::string commit() const override { return m_commit; }

    Result<Received> bring(const Path& into) override {
        const Path archive = mirror_of(m_shelf) / (into.filename().string() + ".tar");
        Result<Received> received = fetch(archive) ? take_out(archive, into) : refused();
        [[maybe_unused]] const Result<void> gone =
            m_world.files.remove(archive); // it may never have been made
        return received;
    }

  private:
    // False: m_why says why.
    bool fetch(const Path& archive) {
        if (m_ref.empty() || m_ref.starts_with('-')) {
            m_why = say(k_no_ref, clean_line(m_ref));
            return false;
        }
        const std::string mirror = "--git-dir=" + mirror_of(m_shelf).string();
        if (!make_mirror() || !find_address()) {
            return false;
        }
        if (!run({mirror, "fetch", "--quiet", "--prune", "--force", "--", m_address,
                  "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"})) {
            return false;
        }
        const Result<ProcessAnswer> answer = m_world.processes.run(
            git(m_as, {mirror, "rev-parse", "--verify", "--quiet", m_ref + "^{commit}"}, k_to_look));
        m_commit = answer && answer->exit_status == 0 ? std::string(trim(answer->out)) : std::string();
        if (m_commit.empty()) {
            m_why = say(k_no_such_ref, clean_line(m_ref), clean_line(redact(m_address)));
            return false;
        }
        return run({mirror, "archive", "--format=tar", "--output=" + archive.string(), m_commit});
    }

    bool make_mirror() {
        const Path mirror = mirror_of(m_shelf);
        const Result<ReleaseDisk::Named> there = m_disk.look_at(mirror);
        if (there && there->kind == ReleaseDisk::Named::Kind::folder) {
            return true;
        }
        constexpr mode_t k_for_him = 0700, k_files = 0600;
        Result<void> made = m_disk.make_folder(mirror);
        if (made) {
            const Result<TreeRepair> rights =
                m_disk.set_rights(mirror, {Owner{m_as.uid, m_as.gid}, k_for_him, k_files});
            made = rights ? Result<void>{} : rights.error();
        }
        if (!made) {
            m_why = verbatim(made.error().message);
            return false;
        }
        return run({"init", "--quiet", "--bare", mirror.string()});
    }

    bool find_address() {
        m_address = m_remote;
        if (is_address(m_remote)) {
            return true;
        }
        const std::string config = (m_shelf.home() / ".git/config").string();
        const Result<ProcessAnswer> answer = m_world.processes.run(git(
            m_as, {"config", "--file", config, "--get", fmt::format("remote.{}.url", m_remote)}, k_to_look));
        m_address = answer && answer->exit_status == 0 ? std::string(trim(answer->out)) : std::string();
        if (m_address.empty()) {
            m_why = say(k_no_remote, clean_line(m_remote));
        }
        return !m_address.empty();
    }

    bool run(std::vector<std::string> words) {
        const std::string what = words.front().starts_with("--") ? words.at(1) : words.front();
        const CommandOutcome outcome = run_command(m_world, git(m_as, std::move(words), k_longest));
        if (!outcome.ok) {
            m_why = say(k_failed, what, outcome.words);
        }
        return outcome.ok;
    }

    Result<Received> take_out(const Path& archive, const Path& into) {
        const Result<UniqueFd> file = open_trusted_file(archive);
        LECTIO_TRY(file);
        LECTIO_TRY(m_disk.make_folder(into));
        return unpack(file->get(), into, m_as, ReceiveLimits{}, TopFolder::keep, m_world.clock,
                      m_world.clock.steady() + k_longest);
    }

    [[nodiscard]] Result<Received> refused() const {
        Received received;
        received.refused = m_why;
        return received;
    }

    std::string m_remote, m_ref, m_address, m_commit;
    release::Shelf m_shelf;
    World& m_world;
    ReleaseDisk& m_disk;
    User m_as;
    Text m_why;
};

} // namespace

std::unique_ptr<release::BuildSource> git_source(const std::string& remote, const std::string& ref,
                                                 release::Shelf shelf, World& world, ReleaseDisk& disk,
                                                 const User& as) {
    return std::make_unique<GitSource>(remote, ref, std::move(shelf), world, disk, as);
}

Text commits_between(const std::string& before, const std::string& after, release::Shelf& shelf, World& world,
                     const User& as) {
    if (before.empty() || after.empty() || before == after) {
        return {};
    }
    const Result<ProcessAnswer> answer = world.processes.run(
        git(as, {"--git-dir=" + mirror_of(shelf).string(), "log", "--format=%s", before + ".." + after},
            k_to_look));
    if (!answer || answer->exit_status != 0 || trim(answer->out).empty()) {
        return {};
    }
    const std::vector<std::string_view> lines = split_lines(trim(answer->out));
    std::string subjects;
    for (std::size_t i = 0; i < lines.size() && i < k_most_subjects; ++i) {
        subjects += (subjects.empty() ? "" : "; ") + shorten(clean_line(lines[i]), 80);
    }
    return say(k_commits, counted(static_cast<std::int64_t>(lines.size()), k_commit_noun),
               lines.size() > k_most_subjects ? subjects + "; …" : subjects);
}

} // namespace lectio::deploy
