#include "alerts/channel_memory.h"

#include "alerts/delivery.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include <unistd.h>

namespace lectio {
namespace {

constexpr int k_ledger_schema = 1;

Ledger::Told told_by(const Message& letter, const Subject& subject) {
    return {subject.event, letter.time,   letter.run,      subject.check,
            subject.level, subject.since, subject.summary, subject.hint};
}

} // namespace

KeptState ledger_file(World& world, const DeliverySettings& settings, const std::string& channel) {
    const KeptState::Places places{settings.state / "outbox" / fmt::format("memory-{}", channel),
                                   settings.run / fmt::format("notify-{}-memory", channel), settings.memory};
    return {world.files, places, k_ledger_schema, ::geteuid()};
}

Recalled recall(KeptState& file, WallTime now, StateFile::Access access) {
    Recalled newest;
    for (const KeptState::Found& found : file.load(now, access)) {
        Ledger ledger = ledger_from_json(found.state.text);
        if (found.stopgap.empty() || ledger.revision > newest.ledger.revision) {
            newest = {std::move(ledger), found.stopgap};
        }
    }
    return newest;
}

Recalled recall(World& world, const DeliverySettings& settings, const std::string& channel) {
    KeptState file = ledger_file(world, settings, channel);
    return recall(file, world.clock.now().wall, StateFile::Access::reader);
}

Outbox::Names delivered_of(const Ledger& ledger) {
    return {ledger.delivered.begin(), ledger.delivered.end()};
}

void note_told(Ledger& ledger, const Message& letter) {
    if (!letter.key.empty()) {
        ledger.keys[letter.key] = letter.time;
    }
    for (const Subject& subject : letter.subjects) {
        ledger.told[identity(subject)] = told_by(letter, subject);
    }
}

void note_opening(Ledger& ledger, const Message& sent, const Outcome& outcome, WallTime now) {
    for (const Subject& subject : sent.subjects) {
        if (is_over(subject.event)) {
            ledger.openings.erase(identity(subject));
        } else if (outcome.message_id) {
            ledger.openings.try_emplace(identity(subject), Ledger::Opening{*outcome.message_id, now});
        }
    }
}

std::optional<std::int64_t> opening_of(const Ledger& ledger, const Message& message) {
    if (message.subjects.empty()) {
        return std::nullopt;
    }
    const auto opening = ledger.openings.find(identity(message.subjects.front()));
    return opening == ledger.openings.end() ? std::nullopt : std::optional(opening->second.message_id);
}

std::string moved_chat(const Ledger& ledger, const Channel& channel) {
    return ledger.moved_from == channel.chat() ? ledger.moved_to : std::string();
}

Path lock_of(const DeliverySettings& settings, const std::string& channel) {
    return settings.run / fmt::format("notify-{}.lock", channel);
}

Result<Lock> lock_channel(World& world, const DeliverySettings& settings, const std::string& channel) {
    const Path path = lock_of(settings, channel);
    const auto take = [&] { return world.files.lock(path, "lectio-notify", world.clock.now().wall); };
    Result<Lock> lock = take();
    const bool no_folder = !lock && lock.error().kind == ErrorKind::not_found;
    return no_folder && world.files.make_folders(settings.run, 0755) ? take() : std::move(lock);
}

Known known_to(World& world, Outbox& outbox, const DeliverySettings& settings, const std::string& channel) {
    // The outbox first: a message that is delivered in between stands in the ledger by then.
    const Outbox::Waiting waiting = outbox.waiting(channel, std::numeric_limits<std::size_t>::max());
    const Ledger ledger = recall(world, settings, channel).ledger;
    const Outbox::Names delivered = delivered_of(ledger);
    Known known{ledger.told, ledger.keys};
    for (const Letter& letter : waiting.letters) {
        if (delivered.contains(letter.name)) {
            continue; // what the ledger says of it may be newer
        }
        note(known, letter.message);
    }
    return known;
}

void note(Known& known, const Message& letter) {
    for (const Subject& subject : letter.subjects) {
        known.told[identity(subject)] = told_by(letter, subject);
    }
    if (!letter.key.empty()) {
        known.keys[letter.key] = letter.time;
    }
}

bool is_known(const Known& known, const Message& letter) {
    return std::any_of(letter.subjects.begin(), letter.subjects.end(), [&](const Subject& subject) {
        const auto last = known.told.find(identity(subject));
        return !letter.run.epoch.empty() && last != known.told.end() &&
               last->second.run.epoch == letter.run.epoch && last->second.run.run >= letter.run.run;
    });
}

} // namespace lectio
