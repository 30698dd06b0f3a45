// Markers: files in paths.run by which people and deploys ask for quiet (CONTRACT 22). The lock that dpkg holds while it
// replaces packages, and with them services, is taken for one.
//
// What a marker means is decided by a pure function over its content and age. A marker can hide messages for
// a bounded time only: one that is stale, garbage, from the future or of a deploy that has died hides nothing and is told.
#pragma once

#include "checks/check.h"
#include "platform/clock.h"
#include "platform/files.h"
#include "platform/package_run.h"
#include "words/phrase.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

// Something a tool notices of itself; stands among the checks with type `self`, absent when good.
struct SelfNotice {
    std::string name;  // config, state, markers, clock, channel-NAME, tools
    std::string cause; // tells two troubles of one name apart: "deploy", a hash of the broken file; may be ""
    Status status = Status::warning;
    Text message, hint;
    // lasting: noticed anew by every run while it is so, its end is told. passing: has no end; told once, and
    // not again for a day.
    enum class Life { lasting, passing };
    Life life = Life::lasting;
};

enum class Quiet { deploy, maintenance, packages, mute };
inline constexpr std::array k_quiets{Quiet::deploy, Quiet::maintenance, Quiet::packages, Quiet::mute};
std::string_view to_string(Quiet quiet); // "deploy", "maintenance", "packages", "mute"

// A marker in force, for the words about it.
struct QuietSpan {
    Quiet quiet = Quiet::deploy;
    std::optional<WallTime> since, until; // no end: ALERTS_MUTED=1
    std::string by;                       // who deploys, where the marker tells it
    std::vector<std::string> checks;      // a deploy of these only; empty: all
};
// "maintenance until 2026-01-22 12:00: nothing is mended or sent"; times in `zone` (empty: the host's).
Text quiet_words(const QuietSpan& span, const std::string& zone);

// What is in force in this run.
struct Suppression {
    std::vector<Quiet> reasons; // empty: nothing is hidden
    // A deploy hides all that it may break; one that names its checks only those, and of these our own stand here.
    bool deploy_names_checks = false;
    std::vector<std::string> deploy_checks;
    std::string release;             // that is being deployed; empty: not told
    std::vector<QuietSpan> spans;    // the same reasons, as people are told of them
    std::vector<SelfNotice> notices; // stale, garbage, future and endless markers

    [[nodiscard]] bool hides(std::string_view check) const;
    // DESIGN rule 5: never during a deploy or maintenance. A mute hides messages only.
    [[nodiscard]] bool forbids_healing() const;
    [[nodiscard]] bool active() const { return !reasons.empty(); }
};

struct MarkerFile {
    std::string content;
    WallTime modified;
    Path path;                  // for the hint that names it
    bool owner_is_gone = false; // it names a process of this boot, and that has ended
};
struct Markers {
    std::optional<MarkerFile> deploy, mute, maintenance;
    std::optional<PackageRun> packages;
    bool always_muted = false;          // ALERTS_MUTED=1
    std::vector<SelfNotice> unreadable; // there, but we could not read it: hides nothing
};
struct MarkerPaths {
    Path deploy, mute, maintenance;
    Path package_lock = "/var/lib/dpkg/lock";
};
// `mute_file`: the mute marker, where it is not in there.
MarkerPaths marker_paths(const Path& run_folder, const Path& mute_file = {});

Markers read_markers(Files& files, const MarkerPaths& paths);

// What the run before knew, to tell of quiet that a reboot has ended.
struct QuietBefore {
    std::vector<Quiet> reasons;
    std::string boot_id;
};
// A mute and maintenance keep back what scripts say, too; a deploy and packages hide only what they may break.
bool silences_words(Files& files, const MarkerPaths& paths, bool always_muted, const Now& now);
// `tool`: for which it is judged; a deploy names its checks as "tool/check", those of health without the tool.
Suppression judge_markers(const Markers& markers, std::string_view tool, const QuietBefore& before,
                          Duration deploy_grace, const Now& now);

} // namespace lectio
