#include "alerts/failover.h"

#include "platform/clock.h"
#include "platform/stop.h"
#include "store/kept_state.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr int k_schema = 1;
// Stored one after the other before the clock is looked at: some hundredths of a second on a slow disk.
constexpr std::size_t k_slice = 20;

constexpr Phrase k_told_for_another{"Told here because channel {} has not worked since {}.",
                                    "Сообщаем здесь, потому что канал {} не работает с {}."};

KeptState file_of(World& world, const DeliverySettings& settings, const std::string& channel) {
    const KeptState::Places places{settings.state / "outbox" / fmt::format("lent-{}", channel),
                                   settings.run / fmt::format("notify-{}-lent", channel), settings.memory};
    return {world.files, places, k_schema, ::geteuid()};
}

// What lies in a stopgap was written while home could not be: both hold.
Lent recall_lent(KeptState& file, WallTime now, StateFile::Access access) {
    Lent lent;
    for (const KeptState::Found& found : file.load(now, access)) {
        const Json json = Json::parse(found.state.text, nullptr, false);
        const auto letters = json.is_object() ? json.find("letters") : json.end();
        if (letters == json.end() || !letters->is_object()) {
            continue;
        }
        for (const auto& [letter, channels] : letters->items()) {
            for (const Json& channel : channels) {
                if (channel.is_string()) {
                    lent[letter].push_back(channel.get<std::string>());
                }
            }
        }
    }
    return lent;
}

bool is_held(const Letter& letter, Outbox::Hold hold) {
    switch (hold) {
    case Outbox::Hold::later:
        return letter.state == Letter::State::later;
    case Outbox::Hold::later_and_muted:
        return is_kept_back(letter.state);
    case Outbox::Hold::nothing:
        break;
    }
    return false;
}

// Nothing of it is news to who knows this. A run numbers what it tells; by hand the same incident is told with the
// same key again and again, so that neither the key nor the incident alone says anything.
bool has_heard(const Known& known, const Message& letter) {
    if (letter.subjects.empty()) {
        const auto told = known.keys.find(letter.key);
        return told != known.keys.end() && told->second == letter.time;
    }
    return std::all_of(letter.subjects.begin(), letter.subjects.end(), [&](const Subject& subject) {
        const auto found = known.told.find(identity(subject));
        if (found == known.told.end()) {
            return false;
        }
        const Ledger::Told& last = found->second;
        if (!letter.run.epoch.empty() && last.run.epoch == letter.run.epoch) {
            return last.run.run >= letter.run.run;
        }
        const bool same = last.event == subject.event && last.level == subject.level;
        return is_over(last.event) || (same && last.time >= letter.time);
    });
}

} // namespace

Lent lent_of(World& world, const DeliverySettings& settings, const std::string& channel) {
    KeptState file = file_of(world, settings, channel);
    return recall_lent(file, world.clock.now().wall, StateFile::Access::reader);
}

bool fails_for_long(const Channel& channel, const Ledger& ledger, Duration failover, const Now& now) {
    const Ledger::Trouble& trouble = ledger.trouble;
    const bool known = trouble.failures > 0 && trouble.fingerprint == channel.fingerprint();
    return known && (trouble.refused || trouble.lasts(now) >= failover);
}

Failover::Failover(World& world, const DeliverySettings& settings, Outbox& outbox, const Channels& channels,
                   HoldOf hold_of)
    : m_world(world), m_settings(settings), m_outbox(outbox), m_channels(channels),
      m_hold_of(std::move(hold_of)) {}

// Channels that have nothing to tell are not asked.
Failover::Copies Failover::lend(SteadyTime deadline) {
    Copies copies;
    if (m_settings.failover <= Duration::zero() || m_channels.size() < 2) {
        return copies;
    }
    for (const std::unique_ptr<Channel>& channel : m_channels) {
        if (m_outbox.count_waiting(channel->name()) == 0) {
            continue;
        }
        const Ledger ledger = recall(m_world, m_settings, channel->name()).ledger;
        if (fails_for_long(*channel, ledger, m_settings.failover, m_world.clock.now())) {
            lend_of(*channel, ledger, deadline, copies);
        }
    }
    return copies;
}

// Those that work, with what they know: read once, however many letters are lent.
std::vector<Failover::Other> Failover::others_of(const Channel& failing) {
    std::vector<Other> others;
    for (const std::unique_ptr<Channel>& other : m_channels) {
        const bool works = other->name() != failing.name() &&
                           !fails_for_long(*other, recall(m_world, m_settings, other->name()).ledger,
                                           m_settings.failover, m_world.clock.now());
        if (works) {
            others.push_back({other.get(), known_to(m_world, m_outbox, m_settings, other->name()),
                              m_outbox.room_of(other->name())});
        }
    }
    return others;
}

void Failover::lend_of(const Channel& failing, const Ledger& ledger, SteadyTime deadline, Copies& copies) {
    const Path place = m_settings.run / fmt::format("lend-{}.lock", failing.name());
    const Result<Lock> lock = m_world.files.lock(place, "lectio-notify", m_world.clock.now().wall);
    if (!lock) {
        return; // its owner, or the next run, does it
    }
    KeptState file = file_of(m_world, m_settings, failing.name());
    const Lent before = recall_lent(file, m_world.clock.now().wall, StateFile::Access::owner);
    // What is lent already need not be read again.
    Outbox::Names done = delivered_of(ledger);
    for (const auto& [letter, channels] : before) {
        done.insert(letter);
    }
    Outbox::Waiting waiting = m_outbox.waiting(failing.name(), std::numeric_limits<std::size_t>::max(), done);
    Lent lent;
    for (const Letter& letter : waiting.delivered) {
        if (const auto known = before.find(letter.name); known != before.end()) {
            lent.insert(*known);
        }
    }
    const Outbox::Hold hold = m_hold_of(ledger);
    std::erase_if(waiting.letters, [&](const Letter& letter) {
        return letter.message.level != Level::critical || is_held(letter, hold);
    });
    std::vector<Other> others = waiting.letters.empty() ? std::vector<Other>() : others_of(failing);
    for (std::size_t at = 0; at < waiting.letters.size() && !others.empty(); at += k_slice) {
        if (m_world.clock.steady() >= deadline || stop_requested()) {
            break;
        }
        std::vector<Message> slice;
        std::vector<std::string> names;
        for (std::size_t i = at; i < std::min(at + k_slice, waiting.letters.size()); ++i) {
            slice.push_back(copy_of(waiting.letters[i], failing, ledger.trouble.since.wall));
            names.push_back(waiting.letters[i].name);
        }
        for (Other& other : others) {
            give(other, slice, names, lent, copies);
        }
    }
    if (lent != before) {
        // Where it cannot be kept the others still know what they were told last.
        file.save(Json{{"letters", lent}}.dump());
    }
}

// What this one knows of itself counts as told through it, too.
void Failover::give(Other& other, const std::vector<Message>& letters, const std::vector<std::string>& names,
                    Lent& lent, Copies& copies) {
    const std::string& to = other.channel->name();
    std::vector<Message> news;
    std::vector<std::string> names_of_news;
    for (std::size_t i = 0; i < letters.size(); ++i) {
        if (has_heard(other.known, letters[i])) {
            lent[names[i]].push_back(to);
        } else {
            news.push_back(letters[i]);
            names_of_news.push_back(names[i]);
            note(other.known, letters[i]);
        }
    }
    const Outbox::PutAll put = m_outbox.put_all(to, news, other.room);
    for (std::size_t i = 0; i < put.stored; ++i) {
        lent[names_of_news[i]].push_back(to);
        copies.to.push_back(to);
    }
    copies.gave_way[to].dropped += put.put.dropped;
    copies.gave_way[to].critical += put.put.critical;
}

Message Failover::copy_of(const Letter& letter, const Channel& failing, WallTime since) const {
    Message copy = letter.message;
    // By its key a text is known again, by its subjects an incident.
    if (copy.subjects.empty() && copy.key.empty()) {
        copy.key = "lent/" + letter.name;
    }
    const std::string when = format_local(since, m_settings.voice.timezone).substr(0, 16);
    copy.lines.push_back(
        {Line::Form::text,
         {{Piece::Kind::plain, say(k_told_for_another, failing.name(), when).in(m_settings.voice.lang)}}});
    return copy;
}

} // namespace lectio
