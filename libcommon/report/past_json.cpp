#include "report/past.h"
#include "util/secret.h"
#include "util/text.h"
#include "version.h"

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::ordered_json;

std::string safe(std::string_view text) {
    return to_utf8(redact(text));
}

Json json_of(const Stretch& stretch, Lang lang) {
    return Json{{"status", to_string(stretch.status)},       {"since", format_utc(stretch.since)},
                {"until", format_utc(stretch.until)},        {"runs", stretch.runs},
                {"message", safe(stretch.message.in(lang))}, {"mended", stretch.mended}};
}

Json json_of(const CheckPast& check, Lang lang) {
    Json stretches = Json::array();
    for (const Stretch& stretch : check.stretches) {
        stretches.push_back(json_of(stretch, lang));
    }
    const std::optional<double> availability = check.availability();
    return Json{{"name", check.name},
                {"type", check.type},
                {"looks", check.looks},
                {"broken", check.broken},
                {"availability", availability ? Json(*availability) : Json(nullptr)},
                {"stretches", std::move(stretches)}};
}

Json json_of(const AtTime<RecordedEvent>& event, Lang lang) {
    return Json{{"time", format_utc(event.time)},
                {"kind", event.what.kind == RecordedEvent::Kind::told ? "told" : "change"},
                {"event", event.what.event},
                {"check", event.what.check},
                {"incident", event.what.incident},
                {"status", to_string(static_cast<Status>(event.what.status))},
                {"message", safe(event.what.message.in(lang))}};
}

Json json_of(const AtTime<RecordedDeed>& deed, Lang lang) {
    return Json{{"time", format_utc(deed.time)},
                {"name", deed.what.rung},
                {"action", deed.what.action},
                {"target", deed.what.target},
                {"ok", deed.what.ok},
                {"fixed", deed.what.fixed},
                {"detail", safe(deed.what.detail.in(lang))},
                {"duration_ms", static_cast<double>(deed.what.took.count())}};
}

template<class T>
Json array_of(const std::vector<T>& things, Lang lang) {
    Json array = Json::array();
    for (const T& thing : things) {
        array.push_back(json_of(thing, lang));
    }
    return array;
}

} // namespace

std::string render_past_json(const Past& past, const PastView& view) {
    Json gaps = Json::array();
    for (const Gap& gap : past.gaps) {
        gaps.push_back({{"from", format_utc(gap.from)}, {"until", format_utc(gap.until)}});
    }
    const Json json{{"tool", past.tool},
                    {"version", k_version},
                    {"host", safe(view.host)},
                    {"time", format_utc(past.now)},
                    {"exit_code", 0},
                    {"since", format_utc(past.since)},
                    {"runs", past.runs},
                    {"checks", array_of(past.checks, view.lang)},
                    {"gaps", std::move(gaps)},
                    {"events", array_of(past.events, view.lang)},
                    {"recovery", array_of(past.deeds, view.lang)}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace lectio
