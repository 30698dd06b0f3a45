#include "init.h"

#include "cli/exit_code.h"
#include "cli/known_kinds.h"
#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "config/edit.h"
#include "config/load.h"
#include "config/migrated.h"
#include "config/parse.h"
#include "discovery/annotated.h"
#include "platform/clock.h"
#include "platform/environment.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/processes.h"
#include "platform/users.h"
#include "util/text.h"
#include "words/error_words.h"

#include <fmt/format.h>

namespace lectio::health {
namespace {

constexpr Phrase k_there{"{} is there already and stays as it is; -o - prints what would be written",
                         "{} уже есть и остаётся как есть; -o - покажет, что было бы записано"};
constexpr Phrase k_written{"{} is written: {}.", "{} записан: {}."};
constexpr Phrase k_next{"Read it, put ERRORS_BOT_TOKEN and ERRORS_CHAT_ID into {0}, then:\n"
                        "  lectio-health --check-config{1}\n  lectio-health --dry-run{1}",
                        "Прочитайте его, впишите ERRORS_BOT_TOKEN и ERRORS_CHAT_ID в {0}, затем:\n"
                        "  lectio-health --check-config{1}\n  lectio-health --dry-run{1}"};
constexpr Phrase k_translated{"{} is written, from what {} says.", "{} записан по тому, что говорит {}."};
constexpr Phrase k_no_env_file{"{} cannot be read: {}", "{} не читается: {}"};
constexpr Phrase k_added{"Added to {}: {}. What stood there stays as it was.",
                         "Добавлено в {}: {}. То, что там было, осталось как есть."};
constexpr Phrase k_next_added{
    "Read it, then:\n  lectio-health --check-config{0}\n  lectio-health --dry-run{0}",
    "Прочитайте его, затем:\n  lectio-health --check-config{0}\n  lectio-health --dry-run{0}"};
constexpr Phrase k_no_folder{"there is no folder {}: make it first, or correct the name",
                             "нет папки {}: сначала создайте её или поправьте имя"};
constexpr Phrase k_not_root{"without root some services stay unseen; run with sudo",
                            "без прав root видно не все службы; запустите через sudo"};
constexpr Phrase k_nginx_broken{
    "nginx -T refuses: {}. Its files are read as far as they go",
    "nginx -T не принимает свои настройки: {}. Файлы прочитаны, насколько получилось"};
constexpr Noun k_check_noun{"check", "checks", "проверка", "проверки", "проверок"};

constexpr Duration k_nginx_timeout{5000};
constexpr Bytes k_nginx_output = 16_MB;
constexpr Bytes k_env_file_size = 256_kB;
constexpr mode_t k_mode = 0640; // it names secrets and holds none
constexpr mode_t k_folder_mode = 0755;

// As the operator's terminal has it; where that says nothing ("C", none at all) the suite's own default.
Lang terminal_language() {
    for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
        const std::string value = environment_variable(name).value_or("");
        if (!value.empty()) {
            const bool says_nothing = value == "C" || value == "POSIX" || value.starts_with("C.");
            return says_nothing || value.starts_with("ru") ? Lang::ru : Lang::en;
        }
    }
    return Lang::ru;
}

class Init {
  public:
    Init(const Options& options, World world)
        : m_command(*options.init), m_world(world), m_lang(m_command.lang.value_or(terminal_language())),
          m_prints(m_command.output == "-" || options.common.dry_run) {}

    int run() {
        const Path path = m_command.output;
        m_behind = m_prints || m_command.from ? std::nullopt : what_may_be_added_to(path);
        if (!m_prints && !m_behind && m_world.files.info(path).ok()) {
            return refuse(say(k_there, path.string()), ExitCode::usage);
        }
        if (!m_prints && !is_usual(path) && !m_world.files.info(folder_of(path), Files::Follow::yes).ok()) {
            return refuse(say(k_no_folder, folder_of(path).string()), ExitCode::usage);
        }
        if (effective_user() != 0) {
            complain(words(say(k_not_root)));
        }
        const Discovered found =
            discover_for(m_world, discover, known_kinds(), m_command.state, nginx_dump());
        if (m_command.from) {
            return translate(*m_command.from, found, path);
        }
        const std::string text = annotated_config(found, heading(), m_world.files);
        if (m_prints) {
            return printed(text);
        }
        const auto count = static_cast<std::int64_t>(found.checks.size());
        if (m_behind) {
            return add(path, text, count);
        }
        if (const Result<void> written = write(path, text); !written) {
            return refuse_error(written.error(), path);
        }
        const Text said = join("\n", {say(k_written, path.string(), counted(count, k_check_noun)),
                                      say(k_next, env_file_for_secrets(m_world.files).string(),
                                          is_usual(path) ? std::string() : " -c " + path.string())});
        return printed(said.in(m_lang) + "\n");
    }

  private:
    // A file that watches nothing yet: `lectio-notify setup` was there first. What init finds goes behind it.
    struct Behind {
        std::string text;
        Heading::Behind has;
    };

    std::optional<Behind> what_may_be_added_to(const Path& path) {
        const Result<std::string> text = m_world.files.read(path, k_config_size);
        Problems problems;
        const std::optional<Node> root = text ? parse_toml(*text, problems) : std::nullopt;
        const bool watches = root && (root->find("health") != nullptr || root->find("smoke") != nullptr ||
                                      root->find("deepcheck") != nullptr);
        if (!root || watches || root->find("channel") == nullptr) {
            return std::nullopt;
        }
        return Behind{*text, {root->find("paths") != nullptr, true}};
    }

    // The bash suite's configuration. What of it could not be taken over is said on standard error, too.
    int translate(const Path& from, const Discovered& found, const Path& path) {
        std::error_code failed;
        const Path named = std::filesystem::absolute(from, failed).lexically_normal();
        const Result<std::string> env_file = m_world.files.read(named, k_env_file_size);
        if (!env_file) {
            return refuse(say(k_no_env_file, named.string(), error_words(env_file.error().message)),
                          exit_code(env_file.error()));
        }
        const MigratedConfig made =
            migrated_config(*env_file, named, found, {m_lang, today()}, [&](const Path& each) {
                return m_world.files.info(each, Files::Follow::yes).ok();
            });
        for (const Text& note : made.notes) {
            complain(words(note));
        }
        if (m_prints) {
            return printed(made.toml);
        }
        if (const Result<void> written = write(path, made.toml); !written) {
            return refuse_error(written.error(), path);
        }
        const Text said =
            join("\n", {say(k_translated, path.string(), named.string()),
                        say(k_next_added, is_usual(path) ? std::string() : " -c " + path.string())});
        return printed(said.in(m_lang) + "\n");
    }

    int add(const Path& path, const std::string& found, std::int64_t checks) {
        const std::string whole = with_table(m_behind->text, found);
        Problems problems;
        if (!parse_toml(whole, problems)) {
            return refuse(say(k_there, path.string()), ExitCode::usage);
        }
        if (const Result<void> written = replace_file(m_world.files, path, whole, k_mode); !written) {
            const Text why = error_words(written.error().message);
            const ExitCode code = exit_code(written.error());
            return refuse(code == ExitCode::rights ? say(k_needs_rights, why) : why, code);
        }
        const Text said =
            join("\n", {say(k_added, path.string(), counted(checks, k_check_noun)),
                        say(k_next_added, is_usual(path) ? std::string() : " -c " + path.string())});
        return printed(said.in(m_lang) + "\n");
    }

    // Where the tools look without -c; its folder is ours to make.
    static bool is_usual(const Path& path) { return path == Path(InitCommand{}.output); }

    static Path folder_of(const Path& path) {
        return path.has_parent_path() ? path.parent_path() : Path(".");
    }

    [[nodiscard]] int printed(const std::string& text) const {
        return print_or_say_why("lectio-health", m_lang, Format::text, text, static_cast<int>(ExitCode::ok));
    }

    // Somebody waits for this: here nginx itself may be asked which files it reads, by the paths it was built with.
    std::optional<std::string> nginx_dump() {
        ProcessRequest request;
        request.command = {"nginx", "-T"};
        request.timeout = k_nginx_timeout;
        request.max_output = k_nginx_output;
        Result<ProcessAnswer> answer = m_world.processes.run(request);
        if (!answer) {
            return std::nullopt; // no nginx here
        }
        if (answer->exit_status == 0 && !answer->cut) {
            return std::move(answer->out);
        }
        if (effective_user() == 0) { // another user may not open its logs, and that is no fault
            complain(words(say(k_nginx_broken, shorten(clean_line(answer->err), 200))));
        }
        return std::nullopt;
    }

    [[nodiscard]] std::string today() const {
        return format_local(m_world.clock.now().wall, "").substr(0, 10);
    }

    [[nodiscard]] Heading heading() const {
        Heading heading{m_lang, today(), m_world.host.hostname()};
        if (m_behind) {
            heading.behind = m_behind->has;
        }
        return heading;
    }

    // Never over another, also not over one that somebody else is writing at this moment: a link fails where a
    // rename would replace.
    Result<void> write(const Path& path, const std::string& text) {
        const Path folder = folder_of(path);
        const Path fresh =
            folder / fmt::format(".tmp-{}-{}", path.filename().string(), m_world.host.self_pid());
        LECTIO_TRY(m_world.files.make_folders(folder, k_folder_mode));
        LECTIO_TRY(m_world.files.create_synced(fresh, text, k_mode));
        const Result<void> linked = m_world.files.link(fresh, path);
        LECTIO_TRY(m_world.files.remove(fresh));
        LECTIO_TRY(linked);
        return m_world.files.sync_folder(folder);
    }

    int refuse_error(const Error& error, const Path& path) const {
        if (m_world.files.info(path).ok()) {
            return refuse(say(k_there, path.string()), ExitCode::usage);
        }
        const ExitCode code = exit_code(error);
        return refuse(code == ExitCode::rights ? say(k_needs_rights, error.message) : verbatim(error.message),
                      code);
    }

    int refuse(const Text& why, ExitCode code) const {
        complain(words(why));
        return static_cast<int>(code);
    }

    [[nodiscard]] std::string words(const Text& text) const {
        return fmt::format("lectio-health: {}\n", clean(text.in(m_lang)));
    }

    const InitCommand& m_command;
    World m_world;
    Lang m_lang;
    bool m_prints; // instead of writing
    std::optional<Behind> m_behind;
};

} // namespace

int run_init(const Options& options, World world) {
    return Init(options, world).run();
}

} // namespace lectio::health
