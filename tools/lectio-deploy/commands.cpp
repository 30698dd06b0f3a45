#include "commands.h"

#include "attach.h"
#include "cli/terminal.h"
#include "deployment.h"
#include "doctor.h"
#include "platform/pack.h"
#include "release/drift.h"
#include "release/earlier_database.h"
#include "release/outside_releases.h"
#include "session.h"
#include "util/text.h"
#include "words.h"
#include "words/error_words.h"

#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

namespace lectio::deploy {
namespace {

using namespace std::chrono_literals;
using release::Release;
using release::Shelf;

constexpr Duration k_to_read = 10min;

constexpr Phrase k_serves{"{} is served since {}, brought by {} ({})", "отдаётся {}, с {}, выложил {} ({})"};
constexpr Phrase k_serves_folder{"{} is a plain folder: nothing was released here yet",
                                 "{} — обычная папка: здесь ещё ничего не выкладывали"};
constexpr Phrase k_serves_nothing{"there is nothing at {}", "в {} ничего нет"};
constexpr Phrase k_serves_foreign{"{} is a link to {}, not of lectio-deploy's making",
                                  "{} — ссылка на {}, её сделал не lectio-deploy"};
constexpr Phrase k_before_it{"rollback would serve {}", "откат вернёт {}"};
constexpr Phrase k_would_not_go{"rollback alone would refuse to go back to {}: {}",
                                "откат без --restore-db к {} не пойдёт: {}"};
constexpr Phrase k_would_be_damaged{"rollback would refuse to go back to {}: {}", "откат к {} не пойдёт: {}"};
constexpr Phrase k_with_database{"what would be lost if its database goes back with it: {}",
                                 "что пропадёт, если вернуть его вместе с базой: {}"};
constexpr Phrase k_nothing_before{"there is nothing to roll back to", "откатываться не на что"};
constexpr Phrase k_unfinished{"deploy {} is under way or has died: lectio-deploy attach, then recover",
                              "деплой {} идёт или оборвался: lectio-deploy attach, затем recover"};
constexpr Phrase k_changed{"somebody has changed it by hand: {}", "его меняли руками: {}"};
constexpr Phrase k_whole{"it is as it was released", "он такой, каким его выложили"};
constexpr Phrase k_left_to_you{
    "copies of its database that nothing removes but you: {}; when nothing of them is wanted any more: {}",
    "копии его базы, которые удаляете только вы: {}; когда из них больше ничего не нужно: {}"};
constexpr Phrase k_no_releases{"there are no releases yet", "релизов ещё нет"};
constexpr Phrase k_no_deploys{"there was no deploy yet", "деплоев ещё не было"};
constexpr Phrase k_no_such{"there is no release {}", "релиза {} нет"};
constexpr Phrase k_no_such_hint{"the releases are listed by: lectio-deploy list",
                                "какие есть: lectio-deploy list"};
constexpr Phrase k_no_difference{"the same files", "файлы одинаковы"};
constexpr Phrase k_to_a_terminal{"the archive goes to standard output: pipe it to ssh or into a file",
                                 "архив пишется в стандартный вывод: передайте его в ssh или в файл"};
constexpr Phrase k_lines{"{}\n{}", "{}\n{}"};
constexpr Noun k_files{"file", "files", "файл", "файла", "файлов"};

std::string moment(Session& session, const std::optional<WallTime>& time) {
    return time ? format_local(*time, session.config().timezone) : "-";
}

// What differs from what was released; files that are carried for open pages are no difference.
Result<TreeDifference> changes_in(Session& session, const Release& release) {
    Shelf shelf = session.shelf(release.kind);
    const std::optional<FrontendDeploy>& frontend = session.config().deploy.frontend;
    TreeReading own;
    if (release.kind == release::Kind::backend) {
        own.leave_out =
            [shared = release::outside_releases(session.backend(), frontend ? frontend->path : Path())](
                std::string_view below) { return shared.leaves_out(below); };
    }
    return release::changes_by_hand(shelf, release, own, session.world().clock);
}

Text integrity(Session& session, const Release& release) {
    const Result<TreeDifference> changes = changes_in(session, release);
    if (!changes) {
        return error_words(changes.error().message);
    }
    return changes->empty() ? say(k_whole) : say(k_changed, some_of(*changes));
}

// Why rollback would not serve `before` again; empty: it would. By what its records say: the database is what `live` was
// last seen to run with.
Text against_going_back(Session& session, const Release& live, const Release& before,
                        const std::vector<Shelf::Past>& journals) {
    const Result<TreeDifference> changes = changes_in(session, before);
    if (!changes || !(changes->empty() || before.pinned)) {
        return say(k_would_be_damaged, before.id,
                   changes ? some_of(*changes) : error_words(changes.error().message));
    }
    const Text across = live.schemas.empty()
                            ? Text{}
                            : release::against_code_alone(release::since_served(journals, before), before,
                                                          live.schemas.back());
    return across.empty()
               ? Text{}
               : join("\n", {say(k_would_not_go, before.id, across),
                             say(k_with_database, fmt::format("sudo lectio-deploy rollback backend "
                                                              "--to {} --restore-db",
                                                              before.id))});
}

struct Standing {
    Text words;
    nlohmann::json fields;
};

void tell_what_is_left(const std::vector<Shelf::LeftToAPerson>& left, Standing& standing) {
    Bytes size;
    std::vector<std::string> paths;
    for (const Shelf::LeftToAPerson& each : left) {
        size.count += each.size.count;
        paths.push_back(each.path.string());
    }
    if (!paths.empty()) {
        standing.words =
            join("\n", {standing.words, say(k_left_to_you, format_size(size),
                                            fmt::format("sudo rm -r {}", fmt::join(paths, " ")))});
    }
    standing.fields["left_to_you"] = {{"size", size.count}, {"paths", paths}};
}

Result<Standing> standing_of(Session& session, release::Kind kind) {
    Shelf shelf = session.shelf(kind);
    const Result<Shelf::Served> served = shelf.served();
    LECTIO_TRY(served);
    const Result<Shelf::Records> records = shelf.records();
    LECTIO_TRY(records);
    const Result<std::vector<Shelf::Past>> journals = shelf.journals();
    LECTIO_TRY(journals);
    const std::string path = session.places(kind).served.string();
    Standing standing{{}, {{"kind", to_string(kind)}, {"served", served->id}, {"path", path}}};
    Text& words = standing.words;
    const Release* live = release::find(records->releases, served->id);
    if (live != nullptr) {
        const Text size = join(", ", {counted(static_cast<std::int64_t>(live->files), k_files),
                                      verbatim(format_size(live->size))});
        words = say(k_serves, live->id, moment(session, live->live), live->by.empty() ? "-" : live->by, size);
        const Text whole = integrity(session, *live);
        words = join("\n", {words, whole});
        const Release* before = release::previous_good(records->releases, live->id);
        const Text refusal =
            before != nullptr ? against_going_back(session, *live, *before, *journals) : Text{};
        words = join("\n", {words, before == nullptr ? say(k_nothing_before)
                                   : refusal.empty() ? say(k_before_it, before->id)
                                                     : refusal});
        standing.fields["previous"] = before != nullptr ? before->id : "";
        standing.fields["rollback_refused"] = refusal.in(session.lang());
        standing.fields["integrity"] = whole.in(session.lang());
    } else {
        words = served->kind == Shelf::Served::Kind::folder ? say(k_serves_folder, path)
                : served->kind == Shelf::Served::Kind::nothing
                    ? say(k_serves_nothing, path)
                    : say(k_serves_foreign, path, clean_line(served->target));
    }
    nlohmann::json unfinished = nlohmann::json::array();
    for (const Shelf::Past& past : *journals) {
        if (!past.standing.ended()) {
            words = join("\n", {words, say(k_unfinished, past.id)});
            unfinished.push_back(past.id);
        }
    }
    standing.fields["unfinished"] = unfinished;
    const Result<std::vector<Shelf::LeftToAPerson>> left = shelf.left_to_a_person();
    LECTIO_TRY(left);
    tell_what_is_left(*left, standing);
    return standing;
}

// Of the first kind as it always was; of all kinds in `parts`.
int status(Session& session) {
    Text words;
    nlohmann::json fields, parts = nlohmann::json::array();
    for (const release::Kind kind : session.kinds()) {
        Result<Standing> standing = standing_of(session, kind);
        if (!standing) {
            return session.leave(standing.error());
        }
        words = words.empty() ? standing->words : join("\n\n", {words, standing->words});
        fields = fields.is_null() ? standing->fields : fields;
        parts.push_back(std::move(standing->fields));
    }
    fields["parts"] = std::move(parts);
    return session.say_outcome(words, 0, fields);
}

int list(Session& session) {
    std::string lines;
    nlohmann::json releases = nlohmann::json::array();
    for (const release::Kind kind : session.kinds()) {
        Shelf shelf = session.shelf(kind);
        const Result<Shelf::Served> served = shelf.served();
        const Result<Shelf::Records> records = shelf.records();
        if (!served || !records) {
            return session.leave(served ? records.error() : served.error());
        }
        for (const Release& release : records->releases) {
            const bool current = release.id == served->id;
            lines += fmt::format("{}{} {}  {:<9}  {:>6} {:>8}  {}  {}{}", lines.empty() ? "" : "\n",
                                 current ? "*" : " ", release.id, to_string(release.state), release.files,
                                 format_size(release.size), moment(session, release.made), release.by,
                                 release.reason.empty() ? "" : "  " + clean_line(release.reason));
            releases.push_back({{"id", release.id},
                                {"kind", to_string(release.kind)},
                                {"state", to_string(release.state)},
                                {"current", current},
                                {"time", format_utc(release.made)},
                                {"by", release.by},
                                {"files", release.files},
                                {"size", release.size.count},
                                {"hash", release.hash},
                                {"commit", release.commit},
                                {"reason", release.reason}});
        }
    }
    return session.say_outcome(lines.empty() ? say(k_no_releases) : verbatim(lines), 0,
                               {{"releases", releases}});
}

int history(Session& session) {
    const Result<std::vector<Shelf::Past>> journals = deploys_of(session);
    if (!journals) {
        return session.leave(journals.error());
    }
    std::string lines;
    nlohmann::json deploys = nlohmann::json::array();
    for (const Shelf::Past& past : *journals) {
        const release::Entry begin = past.standing.begin.value_or(release::Entry{});
        const release::Entry end = past.standing.end.value_or(release::Entry{});
        const std::string result = past.standing.ended() ? end.fact("result") : "unfinished";
        const std::string action = begin.fact("action") == "abandon" ? "un-adopt" : begin.fact("action");
        const std::string release = end.fact("release"); // of a rollback it is another than the deploy's own
        lines += fmt::format("{}{}  {}  {:<8}  {:<11}  {}{}{}", lines.empty() ? "" : "\n", past.id,
                             moment(session, begin.time), action, result, begin.fact("by"),
                             release.empty() || release == past.id ? "" : "  → " + release,
                             end.fact("reason").empty() ? "" : "  " + clean_line(end.fact("reason")));
        deploys.push_back({{"id", past.id},
                           {"time", format_utc(begin.time)},
                           {"action", begin.fact("action")},
                           {"by", begin.fact("by")},
                           {"result", result},
                           {"release", end.fact("release")},
                           {"previous", end.fact("previous")},
                           {"phase", end.fact("phase")},
                           {"reason", end.fact("reason")}});
    }
    return session.say_outcome(lines.empty() ? say(k_no_deploys) : verbatim(lines), 0,
                               {{"deploys", deploys}});
}

int diff(Session& session) {
    for (const std::string& id : {session.options().before, session.options().after}) {
        if (!release::is_id(id)) {
            return session.leave(ExitCode::usage, say(k_no_such, clean_line(id)), say(k_no_such_hint));
        }
    }
    // Of whichever kind: the name says it.
    Shelf shelf = session.shelf(session.kind());
    const Result<TreeManifest> before = shelf.manifest(session.options().before);
    const Result<TreeManifest> after = shelf.manifest(session.options().after);
    if (!before || !after) {
        const std::string& missing = before ? session.options().after : session.options().before;
        return session.leave(ExitCode::usage, say(k_no_such, missing), say(k_no_such_hint));
    }
    const TreeDifference difference = compare(*before, *after);
    std::string lines;
    const auto add = [&](char sign, const std::vector<std::string>& paths) {
        for (const std::string& path : paths) {
            lines += fmt::format("{} {}\n", sign, clean_line(path));
        }
    };
    add('+', difference.added);
    add('-', difference.removed);
    add('~', difference.changed);
    const Text words = difference.empty() ? say(k_no_difference)
                                          : say(k_lines, trim(lines), words_of(difference, after->size()));
    return session.say_outcome(
        words, 0,
        {{"added", difference.added}, {"removed", difference.removed}, {"changed", difference.changed}});
}

// Needs no configuration: it runs on the laptop.
int pack_folder(const Options& options, World& world) {
    Session session(options, world);
    if (::isatty(STDOUT_FILENO) == 1) {
        return session.leave(ExitCode::usage, say(k_to_a_terminal));
    }
    const Path folder = std::filesystem::absolute(options.source).lexically_normal();
    const Result<Packed> packed = pack(folder.has_filename() ? folder : folder.parent_path(), STDOUT_FILENO,
                                       world.clock, world.clock.steady() + k_to_read);
    if (!packed) {
        return packed.error().kind == ErrorKind::not_found
                   ? session.leave(ExitCode::usage, error_words(packed.error().message))
                   : session.leave(packed.error());
    }
    return packed->refused.empty() ? 0 : session.leave(ExitCode::warning, packed->refused);
}

} // namespace

int execute(const Options& options, World world) {
    if (options.wish == Wish::pack && !options.common.check_config) {
        return pack_folder(options, world);
    }
    Session session(options, world);
    if (const std::optional<int> leave = session.open()) {
        return *leave;
    }
    switch (options.wish) {
    case Wish::frontend:
        return release_frontend(session);
    case Wish::backend:
        return release_backend(session);
    case Wish::full:
        return release_full(session);
    case Wish::rollback:
        return roll_back(session);
    case Wish::plan:
        return plan(session);
    case Wish::status:
        return status(session);
    case Wish::list:
        return list(session);
    case Wish::history:
        return history(session);
    case Wish::diff:
        return diff(session);
    case Wish::recover:
        return recover(session);
    case Wish::attach:
        return attach(session);
    case Wish::adopt:
        return adopt(session);
    case Wish::cleanup:
        return clean_up(session);
    case Wish::doctor:
        return doctor(session);
    case Wish::gate:
        return pass_gate(session);
    case Wish::pack:
        break;
    }
    return 0;
}

} // namespace lectio::deploy
