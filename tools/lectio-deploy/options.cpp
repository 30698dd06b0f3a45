#include "options.h"

#include "cli/command_line.h"
#include "release/record.h"
#include "util/units.h"

#include <filesystem>

namespace lectio::deploy {
namespace {

constexpr std::string_view k_examples =
    "  tar cz -C build . | ssh host sudo lectio-deploy frontend -\n"
    "                                   release what is built on this laptop; it goes on when the line "
    "drops\n"
    "  lectio-deploy pack build | ssh host sudo lectio-deploy frontend -\n"
    "                                   the same; a transfer that was cut short or changed is found, too\n"
    "  sudo lectio-deploy frontend build   release a folder of this host\n"
    "  sudo lectio-deploy backend       release the code that git has; once before: adopt backend\n"
    "  sudo lectio-deploy full build    both as one: both are served afterwards, or neither\n"
    "  sudo lectio-deploy plan build    what would happen; changes nothing; plan backend, plan full build: "
    "with "
    "migrations\n"
    "  sudo lectio-deploy rollback      back to the release that was served before\n"
    "  sudo lectio-deploy rollback backend --restore-db   the same where migrations are in the way: what it "
    "would "
    "lose\n"
    "  lectio-deploy attach             follow the deploy that is under way\n"
    "  lectio-deploy list               the releases; status: what is served now\n";

constexpr std::string_view k_exit_codes = "Exit status: 0 released, 1 not released (the previous release "
                                          "serves and is well), 2 a person is needed,\n"
                                          "3 released with a warning, 64 wrong usage, 70 internal error, 75 "
                                          "another deploy is under way (follow it with\n"
                                          "attach), 77 needs rights, 78 wrong configuration.\n";

constexpr std::int64_t k_days_of_script = 7; // LEGACY.md
constexpr int k_most_days = 3650;

constexpr Phrase k_plan_of_what{"plan takes frontend, backend or full, then what that command takes: "
                                "folders, archives or - (code may come out "
                                "of git)",
                                "plan принимает frontend, backend или full, затем то же, что эта команда: "
                                "папки, архивы или - (код можно взять из "
                                "git)"};
constexpr Phrase k_one_input{
    "standard input brings one of the two only: name a folder or an archive for the other",
    "стандартный ввод — только для одного из двух: для другого назовите папку или архив"};
constexpr Phrase k_no_dry_run{
    "--dry-run is for frontend, backend, full (it is the same as plan) and cleanup: this command would "
    "change "
    "things",
    "--dry-run есть у frontend, backend, full (это то же, что plan) и cleanup: эта команда изменила бы "
    "что-нибудь"};
constexpr Phrase k_no_database_of_frontend{
    "a frontend has no database: leave out --restore-db, or go back with the code (lectio-deploy rollback "
    "backend --restore-db)",
    "у фронтенда базы нет: уберите --restore-db или верните код (lectio-deploy rollback backend "
    "--restore-db)"};
constexpr Phrase k_formats{"lectio-deploy knows the formats text and json",
                           "lectio-deploy знает только форматы text и json"};

// By its part, or by the release that it goes to.
bool is_of_frontend(const Options& options) {
    const bool names_release = options.id && release::is_id(*options.id);
    return options.part == to_string(release::Kind::frontend) ||
           (names_release && release::kind_of_id(*options.id) == release::Kind::frontend);
}

bool is_old_name(const char* argv0) {
    return std::filesystem::path(argv0 == nullptr ? "" : argv0).filename() == "deploy_safe.sh";
}

// `plan` takes the words that the command takes which it foretells. False: they are others.
bool take_planned(std::vector<std::string> words, Options& options) {
    const bool names_part =
        words.front() == "frontend" || words.front() == "backend" || words.front() == "full";
    options.part = names_part ? words.front() : "frontend";
    words.erase(words.begin(), words.begin() + (names_part ? 1 : 0));
    const std::size_t builds = options.part == "backend" ? 0 : 1, codes = options.part == "frontend" ? 0 : 1;
    if (words.size() < builds || words.size() > builds + codes) {
        return false;
    }
    options.source = builds == 1 ? words.front() : "";
    options.code = words.size() > builds ? words.back() : "";
    return true;
}

// What would be released is foretold by `plan`. False: the command changes things, and nothing foretells them.
bool change_nothing(Options& options) {
    switch (options.wish) {
    case Wish::frontend:
    case Wish::backend:
    case Wish::full:
        options.part = options.wish == Wish::frontend  ? "frontend"
                       : options.wish == Wish::backend ? "backend"
                                                       : "full";
        options.wish = Wish::plan;
        return true;
    case Wish::rollback: // without a word on what may be lost it says what would be
        return options.restore_database && !options.accepted;
    case Wish::adopt:
    case Wish::recover:
    case Wish::gate:
        return false;
    default:
        return true;
    }
}

std::variant<Options, int> parse_words(int argc, char** argv) {
    Options options;
    options.by_old_name = argc > 0 && is_old_name(argv[0]);
    CLI::App app;
    describe(app, "lectio-deploy",
             "Releases a build as a transaction: proven before anybody meets it, swapped in one step, "
             "watched, and taken "
             "back by itself when the site's own checks fail.",
             k_examples, k_exit_codes);
    add_common_options(app, options.common, Reports::text_and_json);
    Commands<Wish> command(app);
    CLI::App* frontend =
        command("frontend", Wish::frontend,
                "Release a build: a folder, an archive (tar, tar.gz, tar.zst …) or - for standard input");
    frontend->add_option("source", options.source, "Folder, archive or -")->required()->type_name("SOURCE");
    frontend->add_flag(
        "--force", options.force,
        "In spite of a site that fails already, a build that looks wrong, files changed by hand");
    CLI::App* backend = command("backend", Wish::backend,
                                "Release code: out of git, or a folder, an archive or - for standard input");
    backend->add_option("source", options.code, "Folder, archive or - (default: [deploy.backend] git)")
        ->type_name("SOURCE");
    CLI::App* full = command("full", Wish::full,
                             "Release a build and the code together: both are served afterwards, or neither");
    full->add_option("build", options.source, "Of the frontend: folder, archive or -")
        ->required()
        ->type_name("BUILD");
    full->add_option("code", options.code,
                     "Of the backend: folder, archive or - (default: [deploy.backend] git)")
        ->type_name("CODE");
    for (CLI::App* of_code : {backend, full}) {
        of_code
            ->add_option("--ref", options.ref, "Branch, tag or commit (default: that of the configuration)")
            ->type_name("REF");
    }
    backend->add_flag("--force", options.force,
                      "In spite of a site that fails already, or files changed by hand");
    full->add_flag("--force", options.force, "As for frontend and backend");
    for (CLI::App* of_code : {backend, full}) {
        of_code->add_flag(
            "--maintenance", options.maintenance,
            "Migrations may take up to 20 minutes: visitors get deploy.maintenance_page meanwhile");
    }
    CLI::App* rollback = command("rollback", Wish::rollback, "Serve an earlier release again");
    const auto add_part = [&](CLI::App* to) {
        to->add_option("part", options.part, "frontend or backend, where the configuration has both")
            ->check(CLI::IsMember({"frontend", "backend"}))
            ->type_name("PART");
    };
    add_part(rollback);
    rollback->add_option("--to", options.id, "Its id (default: the good one that was served before)")
        ->type_name("ID");
    rollback->add_flag("--force", options.force, "Also to one that was bad, or was changed");
    CLI::Option* with_database =
        rollback->add_flag("--restore-db", options.restore_database,
                           "backend: the database, too, as it was before the migrations since; without the "
                           "next it says what is lost");
    std::string accepted;
    rollback
        ->add_option(
            "--accept-data-loss", accepted,
            "What was written for so long at most may be lost to the site, \"2h\"; it is kept beside it")
        ->check([&options](const std::string& text) {
            const Result<Duration> given = parse_duration(text);
            options.accepted = given ? std::optional(*given) : std::nullopt;
            return given ? std::string() : given.error().message;
        })
        ->needs(with_database)
        ->type_name("DURATION");
    rollback
        ->add_flag("--maintenance", options.maintenance,
                   "--restore-db may take up to 20 minutes: visitors get deploy.maintenance_page meanwhile")
        ->needs(with_database);
    CLI::App* plan =
        command("plan", Wish::plan, "What a release of this build would change; changes nothing");
    std::vector<std::string> planned;
    plan->add_option(
            "what", planned,
            "frontend (the default), backend or full, then the folders, archives or - that these take")
        ->type_name("[PART] [SOURCE…]")
        ->required()
        ->expected(1, 3);
    plan->add_option("--ref", options.ref, "Of the code: branch, tag or commit")->type_name("REF");
    command("status", Wish::status, "What is served, since when, and whether somebody has changed it");
    command("list", Wish::list, "The releases that are kept");
    command("history", Wish::history, "The deploys, the newest last");
    CLI::App* diff = command("diff", Wish::diff, "Which files differ between two releases");
    diff->add_option("before", options.before, "An id")->required()->type_name("A");
    diff->add_option("after", options.after, "An id")->required()->type_name("B");
    std::string word;
    CLI::App* recover = command("recover", Wish::recover, "Finish or undo what a deploy that died has left");
    recover->add_flag("--boot", options.boot, "The machine is starting: what is undecided goes back");
    recover
        ->add_option("--database", word,
                     "When it could not be put back in time: put-back (as it was before the deploy; what was "
                     "written since is kept beside it) or keep")
        ->check(CLI::IsMember({"put-back", "keep"}))
        ->excludes("--boot")
        ->type_name("WORD");
    command("doctor", Wish::doctor,
            "What will hurt a deploy on this host, each with the line that mends it; changes nothing");
    CLI::App* gate = command(
        "gate", Wish::gate,
        "For ExecStartPre= of the site's units: waits while a deploy keeps its code from running, undoes "
        "one that died");
    gate->add_option("units", options.units, "web or workers")
        ->required()
        ->type_name("UNITS")
        ->check(CLI::IsMember({"web", "workers"}));
    CLI::App* attach = command("attach", Wish::attach, "Follow a deploy, and end as it ends");
    attach->add_option("id", options.id, "Its id (default: the last)")->type_name("ID");
    CLI::App* adopt = command("adopt", Wish::adopt, "Make a release of the folder that is there, in place");
    add_part(adopt);
    adopt->add_flag("--force", options.force, "Also where files would stay behind that git does not know");
    adopt->add_flag("--undo", options.undo, "Make it a plain folder again");
    CLI::App* cleanup = command("cleanup", Wish::cleanup, "Remove the releases that nothing keeps");
    cleanup->add_option("days", options.days, "Of these only what is older (deploy_safe.sh: 7)")
        ->check(CLI::Range(0, k_most_days))
        ->type_name("DAYS");
    CLI::App* pack =
        command("pack", Wish::pack, "Write a folder as an archive that proves itself to standard output");
    pack->add_option("folder", options.source, "What to pack")->required()->type_name("FOLDER");
    app.require_subcommand(0, 1);
    if (const std::optional<int> leave = parse(app, argc, argv)) {
        return *leave;
    }
    options.wish = command.given().value_or(options.wish);
    if (!word.empty()) {
        options.word = word == "keep" ? release::WordOnDatabase::keep : release::WordOnDatabase::put_back;
    }
    if (plan->parsed()) {
        if (!take_planned(planned, options)) {
            return wrong_usage("lectio-deploy", say(k_plan_of_what), options.common);
        }
    }
    if (options.wish == Wish::rollback && options.restore_database && is_of_frontend(options)) {
        return wrong_usage("lectio-deploy", say(k_no_database_of_frontend), options.common);
    }
    if (options.source == "-" && options.code == "-") {
        return wrong_usage("lectio-deploy", say(k_one_input), options.common);
    }
    if (options.common.format != Format::text && options.common.format != Format::json) {
        return wrong_usage("lectio-deploy", say(k_formats), options.common);
    }
    if (options.common.dry_run && !options.common.check_config && !change_nothing(options)) {
        return wrong_usage("lectio-deploy", say(k_no_dry_run), options.common);
    }
    if (options.by_old_name && options.wish == Wish::cleanup && !options.days) {
        options.days = k_days_of_script;
    }
    return options;
}

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    std::variant<Options, int> parsed = parse_words(argc, argv);
    if (int* leave = std::get_if<int>(&parsed); leave != nullptr && argc > 0 && is_old_name(argv[0])) {
        *leave = exit_status_by_old_name(*leave);
    }
    return parsed;
}

int exit_status_by_old_name(int status) {
    constexpr int k_released_with_a_warning = 3;
    return status == 0 || status == k_released_with_a_warning ? 0 : 1;
}

} // namespace lectio::deploy
