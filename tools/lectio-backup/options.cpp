#include "options.h"

#include "cli/command_line.h"
#include "cli/terminal.h"

#include <map>

namespace lectio::backup {
namespace {

constexpr std::string_view k_examples =
    "  sudo lectio-backup run --due     what is due, each proven by restoring it; for cron, hourly\n"
    "  sudo lectio-backup run database  one source now\n"
    "  sudo lectio-backup list          what there is; status: how old the newest proven ones are\n"
    "  sudo lectio-backup restore database --dry-run   what would be done\n"
    "  sudo lectio-backup restore database --at \"2026-11-20 10:00\" --to /tmp/then.sqlite3\n"
    "                                   how it was then, into a file of its own\n";

constexpr std::string_view k_exit_codes = "Exit status: 0 all good, 1 warning (a backup failed, the one "
                                          "before is not old yet), 2 critical (a source "
                                          "has no\nfresh proven backup), 64 wrong usage, 70 internal error, "
                                          "75 another run holds the lock, 77 needs "
                                          "rights,\n78 wrong configuration.\n";

constexpr Phrase k_formats{"lectio-backup knows the formats text and json",
                           "lectio-backup знает только форматы text и json"};
constexpr Phrase k_no_dry_run{
    "--dry-run is for run, restore and prune: this command would change a manifest",
    "--dry-run есть у run, restore и prune: эта команда изменила бы описание копии"};
constexpr Phrase k_at_or_id{"--at and --id each say which backup: give one of them",
                            "--at и --id оба говорят, какую копию взять: укажите что-то одно"};

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    CLI::App app;
    describe(app, "lectio-backup",
             "Backs up databases and Redis while they are in use, and files, proves each backup by restoring "
             "it, and "
             "keeps what the rule says.",
             k_examples, k_exit_codes);
    add_common_options(app, options.common, Reports::text_and_json);
    Commands<Wish> command(app);
    CLI::App* run = command("run", Wish::run, "Make backups, prove them, prune");
    run->add_option("source", options.source, "Of this source (default: of all)")->type_name("SOURCE");
    run->add_flag("--due", options.due, "Only where the last one is as old as `every`");
    command("list", Wish::list, "The backups, the oldest first");
    command("status", Wish::status, "How old the newest proven backup of each source is");
    CLI::App* verify =
        command("verify", Wish::verify, "Restore into a scratch place and compare with the manifest");
    verify
        ->add_option("id", options.id,
                     "Of a backup, or a source: its newest (default: the newest of each source)")
        ->type_name("ID");
    verify->add_flag("--away", options.away,
                     "The copy outside of this server: `offsite_fetch` brings it to a scratch place");
    CLI::App* restore = command("restore", Wish::restore, "Put a backup in the place of what it was made of");
    restore->add_option("source", options.source, "Of this source")->required()->type_name("SOURCE");
    restore
        ->add_option("--at", options.at,
                     "As it was then: \"2h\" ago, \"2026-11-20 10:00\", or as `list` writes it")
        ->type_name("TIME");
    restore->add_option("--id", options.id, "This one")->type_name("ID");
    restore
        ->add_option("--to", options.to,
                     "Into this new file (files: folder, postgres: database); what is there stays as it is")
        ->type_name("PATH");
    command("prune", Wish::prune, "Move what the rule does not keep to the trash");
    command("check", Wish::check, "Read every backup and compare it with its checksum");
    CLI::App* pin = command("pin", Wish::pin, "Keep a backup whatever the rule says");
    pin->add_option("id", options.id, "Its id")->required()->type_name("ID");
    pin->add_flag("--undo", options.undo, "Leave it to the rule again");
    CLI::App* accept = command("accept", Wish::accept, "A backup that is much smaller is right so");
    accept->add_option("id", options.id, "Its id")->required()->type_name("ID");
    accept->add_option("--reason", options.reason, "Why: kept in its manifest")
        ->required()
        ->type_name("TEXT");
    app.require_subcommand(0, 1);
    if (const std::optional<int> leave = parse(app, argc, argv)) {
        return *leave;
    }
    const std::optional<Wish> wish = command.given();
    options.wish = wish.value_or(options.wish);
    if (!wish && !options.common.check_config) { // CONTRACT 31
        complain(app.help());
        return static_cast<int>(ExitCode::usage);
    }
    if (options.common.format != Format::text && options.common.format != Format::json) {
        return wrong_usage("lectio-backup", say(k_formats), options.common);
    }
    const bool says = options.wish == Wish::pin || options.wish == Wish::accept;
    if (says && options.common.dry_run && !options.common.check_config) {
        return wrong_usage("lectio-backup", say(k_no_dry_run), options.common);
    }
    if (options.at && options.id) {
        return wrong_usage("lectio-backup", say(k_at_or_id), options.common);
    }
    return options;
}

} // namespace lectio::backup
