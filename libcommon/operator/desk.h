// Desk: where an operator's wishes are carried out, whether they come from a terminal (lectio-notify) or from a chat
// (its bot). Each answers in words.
#pragma once

#include "alerts/delivery.h"
#include "config/config.h"
#include "incidents/markers.h"
#include "pipeline/tool_state.h"
#include "platform/world.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct Answer {
    enum class Kind {
        done,
        wrong,  // the wish cannot be understood, or names what is not there
        denied, // for lack of rights
        failed, // the disk, say
    };
    Kind kind = Kind::done;
    Text words;
};

enum class Effect { real, none }; // none: --dry-run, say what would be done

// An incident that is not over, of whatever tool.
struct OpenIncident {
    std::string id;
    std::string check; // "tool/check"
    std::string key;   // by which people know what a script has told; empty: it is a check's
    Status level = Status::critical;
    WallTime since;
    Text message, hint;
    std::string evidence;
    bool acknowledged = false;
    bool told = false;
    // Good just now: it is over when that stays so. Flapping: good and bad by turns.
    bool settling = false, flapping = false;
    // Told by lectio-notify itself, and not yet taken over by lectio-health, whose history knows nothing of it.
    bool just_told = false;
};

struct ChannelStanding {
    std::string name;
    bool ok = true;
    Text detail; // what is wrong
};

// How things stand with telling (CONTRACT 26, notify status).
struct Standing {
    int waiting = 0, rejected = 0;
    int kept = 0;                   // of `waiting`, what is not critical and waits for its time
    std::optional<Duration> oldest; // of what else waits
    std::vector<ChannelStanding> channels;
    std::vector<QuietSpan> quiet;
    std::string mute_reason;
    std::vector<OpenIncident> incidents;
    Text unreadable;  // as of Desk
    Text why_waiting; // what the last attempt was answered
    // Kept back by the quiet hours or a full hour: incidents that nobody was told of yet, until when, and why.
    int untold = 0;
    Pause pause = Pause::none;
    std::optional<WallTime> pause_until;

    [[nodiscard]] std::optional<WallTime> mute_until() const;
};

class Desk {
  public:
    // `by`: who wishes, for the log and the reason of a mute: "root", "@anna".
    Desk(World& world, const Config& config, std::string by, Effect effect = Effect::real)
        : m_world(world), m_config(config), m_by(std::move(by)), m_effect(effect) {}

    // "30m", "2h"; between a minute and a week. Failures are mended, nothing is sent.
    Answer mute(std::string_view duration, std::string_view reason = {});
    Answer unmute();
    // "2h" at most, or "off". Nothing is mended and nothing is sent.
    Answer maintenance(std::string_view word);
    // An id, "tool/check", the key of what a script has told, or "all".
    Answer acknowledge(std::string_view what);

    // What is hidden just now, and why.
    [[nodiscard]] Suppression suppression() const;
    [[nodiscard]] std::vector<OpenIncident> incidents() const;
    // What of the state cannot be read, so that it is not known what is broken; empty: all of it can. A folder that is
    // not there is no trouble: nothing has run yet.
    [[nodiscard]] Text unreadable() const;
    [[nodiscard]] Standing standing(Delivery& delivery) const;
    // Mutes, maintenance and deploys in force now, one a line; says so when there is none.
    [[nodiscard]] Text quiet_now() const;

    // One incident a line; says so when there is none, and what is not known.
    [[nodiscard]] Text words(const std::vector<OpenIncident>& incidents, const Text& unreadable) const;
    [[nodiscard]] Text words(const Standing& standing) const;

  private:
    [[nodiscard]] MarkerPaths markers() const;
    [[nodiscard]] StateKeeper::Loaded load(const std::string& tool) const;
    [[nodiscard]] ToolState state_of(const std::string& tool) const;
    [[nodiscard]] std::vector<std::string> tools() const;
    [[nodiscard]] Text none_open() const;
    [[nodiscard]] std::string mute_reason() const;
    [[nodiscard]] Path reason_file() const;
    Answer put(const Path& marker, std::string_view content, Text words) const;
    Answer take_away(const Path& marker, Text words) const;
    [[nodiscard]] Answer failure(const Error& error) const;
    [[nodiscard]] std::string minute(WallTime time) const;

    World& m_world;
    const Config& m_config;
    std::string m_by;
    Effect m_effect;
};

} // namespace lectio
