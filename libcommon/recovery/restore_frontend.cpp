#include "recovery/restore_frontend.h"

#include "checks/whole_build.h"
#include "config/complaints.h"
#include "config/site_path.h"
#include "platform/http_url.h"
#include "platform/tree_place.h"
#include "recovery/unit_action.h"
#include "recovery/way_back.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace lectio {
namespace {

constexpr mode_t k_folders = 0755, k_files = 0644; // of what a web server serves
constexpr std::size_t k_most_told = 3;
// A build that breaks every hour must not fill the disk with what was broken.
constexpr std::size_t k_broken_kept = 3;

constexpr Phrase k_flaw{"{}: {}", "{}: {}"};
constexpr Phrase k_no_copy{"there is no copy of the build: nothing at {}", "копий сборки нет: пусто в {}"};
constexpr Phrase k_no_whole_copy{"no copy of the build is whole: {}", "ни одной целой копии сборки: {}"};
constexpr Phrase k_would_take{"the build would be taken from {}", "сборка была бы взята из {}"};
constexpr Phrase k_not_whole_copied{"the copy that was made is not whole, so nothing was exchanged: {}",
                                    "сделанная копия оказалась не целой, поэтому ничего не заменили: {}"};
constexpr Phrase k_not_whole_placed{"in its place the copy was not whole, so it was taken back: {}",
                                    "на месте сборки копия оказалась не целой, её убрали обратно: {}"};
constexpr Phrase k_put_back{"a copy of {} was put in place ({} old); the broken build is kept as {}",
                            "на место поставлена копия {} (ей {}); сломанная сборка сохранена как {}"};
constexpr Phrase k_put_where_none_was{"a copy of {} was put in place ({} old), where there was none",
                                      "на место поставлена копия {} (ей {}), там ничего не было"};

constexpr Phrase k_no_place{"refused: {} would be replaced as a whole", "отказано: {} заменилось бы целиком"};
constexpr Phrase k_no_source{"expected an absolute path like \"/srv/site/build_old\"",
                             "ожидается полный путь вроде \"/srv/site/build_old\""};
constexpr Phrase k_early_pattern{"a pattern may stand in the last step of the path only",
                                 "шаблон может стоять только в последней части пути"};

struct RestoreFrontendSettings {
    Path path;
    std::vector<std::string> from;
    std::string url;
};

std::optional<Text> place_complaint(const Path& path) {
    return lies_where_sites_do(path) ? std::nullopt : std::optional(say(k_no_place, path.string()));
}

std::optional<Text> source_complaint(const std::string& text) {
    const Path path(text);
    if (!path.is_absolute() || !path.has_filename() || text.find('\0') != std::string::npos) {
        return say(k_no_source);
    }
    if (path.parent_path().string().find_first_of("*?[") != std::string::npos) {
        return say(k_early_pattern);
    }
    return std::nullopt;
}

std::optional<Text> site_complaint(const std::string& text) {
    return text.empty() ? std::nullopt : http_url_complaint(text);
}

const Schema<RestoreFrontendSettings>& restore_frontend_schema() {
    static const Schema<RestoreFrontendSettings> schema{
        required(
            "path", &RestoreFrontendSettings::path,
            "the build that is served; its owner is given to the copy, too. The one that is replaced stays "
            "beside it as NAME_broken-TIME, and so do the two replaced before. Where lectio-deploy serves "
            "it, the "
            "last good release is served again instead")
            .check(place_complaint),
        required("from", &RestoreFrontendSettings::from,
                 "folders with earlier builds, patterns allowed in their last step; the newest whole one is "
                 "copied")
            .check(source_complaint),
        optional("url", &RestoreFrontendSettings::url,
                 "of the site, where it does not lie at the root of its host")
            .check(site_complaint),
    };
    return schema;
}

BuildView served(const Path& path, Files& files) {
    return {[&files, path](const Path& below) { return files.read(path / below, k_largest_page); },
            [&files, path](const Path& below) { return files.info(path / below, Files::Follow::yes); }};
}

BuildView held(const HeldFolder& folder) {
    return {[&folder](const Path& below) { return folder.read(below, k_largest_page); },
            [&folder](const Path& below) { return folder.info(below); }};
}

struct Proof {
    enum class Outcome { whole, broken, unseen };
    Outcome outcome = Outcome::whole;
    Text words{}; // what is wrong with it, or why it could not be seen
    WallTime built{};
};

// The first that is wrong is told.
Proof proof_of(const BuildView& build, const std::string& site) {
    const BuildProof proof = prove_build(build, site);
    if (proof.whole()) {
        return {Proof::Outcome::whole, {}, proof.built};
    }
    const BuildFlaw& flaw = proof.flaws.front();
    const bool unseen = flaw.kind == BuildFlaw::Kind::unseen;
    return {unseen ? Proof::Outcome::unseen : Proof::Outcome::broken, flaw.words};
}

struct Source {
    Path path;
    HeldFolder folder;
    WallTime built;
};

// The copies that there are, and why those that are not whole are not taken.
struct Sources {
    std::optional<Source> newest;
    std::vector<Text> flaws;
};

class RestoreFrontend final : public Action {
  public:
    explicit RestoreFrontend(RestoreFrontendSettings settings) : m_settings(std::move(settings)) {
        m_settings.path = without_slash(m_settings.path);
    }

    std::string target() const override { return m_settings.path.string(); }

    // A build that is whole is left alone, whatever the page answers: another one would not answer otherwise.
    Readiness look(const ActionContext& context) const override {
        const Proof now = proof_of(served(m_settings.path, context.world.files), m_settings.url);
        if (now.outcome == Proof::Outcome::whole) {
            return Readiness{Readiness::Kind::nothing_to_change};
        }
        if (now.outcome == Proof::Outcome::unseen) {
            return Readiness{Readiness::Kind::refused, now.words};
        }
        if (is_released(context)) {
            return context.way_back->look(WayBack::Part::frontend, context);
        }
        if (context.least_uptime > Duration::zero()) {
            return unproven(target());
        }
        const Sources found = sources(context.world.files);
        return found.newest ? Readiness{Readiness::Kind::go, say(k_would_take, found.newest->path.string())}
                            : Readiness{Readiness::Kind::refused, why_none(found)};
    }

    ActionResult act(const ActionContext& context) const override {
        if (is_released(context)) {
            return context.way_back->go(WayBack::Part::frontend, context);
        }
        const Sources found = sources(context.world.files);
        if (!found.newest) {
            return {false, why_none(found)};
        }
        Result<TreePlace> place = TreePlace::at(m_settings.path);
        if (!place) {
            return {false, error_words(place.error().message)};
        }
        return put_back(*found.newest, *place, context);
    }

    std::vector<std::string> look_with() const override {
        return {"ls -la " + m_settings.path.parent_path().string(), "ls -laR " + target()};
    }

  private:
    // A release is not replaced in its place: its record would lie. It is left for the one before it.
    [[nodiscard]] bool is_released(const ActionContext& context) const {
        return context.way_back != nullptr && context.way_back->serves(m_settings.path, context);
    }

    static Path without_slash(const Path& path) { return path.has_filename() ? path : path.parent_path(); }

    ActionResult put_back(const Source& source, TreePlace& place, const ActionContext& context) const {
        const Result<FileInfo> replaced = context.world.files.info(m_settings.path, Files::Follow::no);
        const WallTime now = context.world.clock.now().wall;
        const std::string aside = name_aside(now);
        const Result<TreeRules> rules = rules_for(source);
        if (!rules) {
            return {false, error_words(rules.error().message)};
        }
        const Result<HeldFolder> copy =
            place.stage(source.folder, aside, *rules, context.world.clock, context.deadline);
        if (!copy) {
            return {false, error_words(copy.error().message)};
        }
        if (const Proof proof = proof_of(held(*copy), m_settings.url);
            proof.outcome != Proof::Outcome::whole) {
            place.discard(aside);
            return {false, say(k_not_whole_copied, proof.words)};
        }
        if (const Result<void> done = place.exchange_with(aside); !done) {
            return {false, error_words(done.error().message)};
        }
        const Proof placed = proof_of(served(m_settings.path, context.world.files), m_settings.url);
        if (placed.outcome == Proof::Outcome::broken) {
            [[maybe_unused]] const Result<void> back = place.exchange_with(aside);
            return {false, say(k_not_whole_placed, placed.words)};
        }
        place.keep_last(k_broken_kept, [this](std::string_view name) { return is_set_aside(name); });
        return {true, told(source, now, replaced.ok() ? aside : std::string())};
    }

    Text told(const Source& source, WallTime now, const std::string& aside) const {
        const Text age = spoken(std::chrono::duration_cast<std::chrono::seconds>(now - source.built).count());
        const std::string from = clean_line(source.path.string());
        return aside.empty() ? say(k_put_where_none_was, from, age)
                             : say(k_put_back, from, age, (m_settings.path.parent_path() / aside).string());
    }

    // "build_broken-20260122T100000Z"
    std::string name_aside(WallTime now) const {
        std::string time = format_utc(now);
        std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
        return beginning_aside() + time;
    }
    std::string beginning_aside() const { return m_settings.path.filename().string() + "_broken-"; }

    // Ours, and not what a person has called alike.
    bool is_set_aside(std::string_view name) const {
        constexpr std::string_view k_shape = "00000000T000000Z";
        if (name.size() != beginning_aside().size() + k_shape.size() ||
            !name.starts_with(beginning_aside())) {
            return false;
        }
        const std::string_view time = name.substr(name.size() - k_shape.size());
        return std::equal(time.begin(), time.end(), k_shape.begin(), [](char c, char shape) {
            return shape == '0' ? c >= '0' && c <= '9' : c == shape;
        });
    }

    // As the build that is replaced is owned; where there is none, as its copy is.
    Result<TreeRules> rules_for(const Source& source) const {
        const Result<HeldFolder> replaced = HeldFolder::hold(m_settings.path);
        const Result<FileInfo> owned = replaced ? replaced->info({}) : source.folder.info({});
        LECTIO_TRY(owned);
        return TreeRules{Owner{owned->owner, owned->group}, k_folders, k_files};
    }

    Sources sources(Files& files) const {
        Sources found;
        for (const Path& path : paths(files)) {
            Result<HeldFolder> folder = HeldFolder::hold(path);
            if (!folder) {
                if (folder.error().kind != ErrorKind::not_found) {
                    found.flaws.push_back(error_words(folder.error().message));
                }
                continue;
            }
            Proof proof = proof_of(held(*folder), m_settings.url);
            if (proof.outcome != Proof::Outcome::whole) {
                found.flaws.push_back(say(k_flaw, clean_line(path.string()), proof.words));
            } else if (!found.newest || proof.built > found.newest->built) {
                found.newest.emplace(Source{path, std::move(*folder), proof.built});
            }
        }
        return found;
    }

    // What `from` names, in its order, each once, and never the build itself.
    std::vector<Path> paths(Files& files) const {
        std::vector<Path> all;
        const auto add = [&](const Path& path) {
            if (path != m_settings.path && std::find(all.begin(), all.end(), path) == all.end()) {
                all.push_back(path);
            }
        };
        for (const std::string& pattern : m_settings.from) {
            const Path path(pattern);
            if (pattern.find_first_of("*?[") == std::string::npos) {
                add(path);
                continue;
            }
            for (const std::string& name : files.list(path.parent_path()).value_or({})) {
                if (!name.starts_with('.') && wildcard_match(path.filename().string(), name)) {
                    add(path.parent_path() / name);
                }
            }
        }
        return all;
    }

    Text why_none(const Sources& found) const {
        if (found.flaws.empty()) {
            return say(k_no_copy, fmt::format("{}", fmt::join(m_settings.from, ", ")));
        }
        Text flaws = found.flaws.front();
        for (std::size_t i = 1; i < std::min(found.flaws.size(), k_most_told); ++i) {
            flaws = join("; ", {flaws, found.flaws[i]});
        }
        return say(k_no_whole_copy, flaws);
    }

    RestoreFrontendSettings m_settings;
};

} // namespace

ActionType restore_frontend_action_type() {
    return make_action_type<restore_frontend_schema, RestoreFrontend>(
        "restore-frontend", Disruptive::yes,
        "puts the newest whole copy of a build in place of one that is not whole");
}

} // namespace lectio
