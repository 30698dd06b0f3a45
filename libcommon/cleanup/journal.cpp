#include "cleanup/journal.h"

#include "platform/processes.h"
#include "recovery/command.h"
#include "util/number.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>
#include <string>

#include <fmt/format.h>

namespace lectio::cleanup {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_look = 30s;
constexpr Duration k_vacuum = 5min;

constexpr Phrase k_odd{"journalctl does not say how large the journal is",
                       "journalctl не говорит, сколько занимает журнал"};
constexpr Phrase k_active{"{} stay: what is being written is not touched",
                          "осталось {}: то, что сейчас пишется, не трогается"};

ProcessRequest journalctl(const std::string& option, Duration timeout) {
    ProcessRequest request;
    request.command = {"journalctl", option};
    request.timeout = timeout;
    return request;
}

// Nothing: `why` says why not.
std::optional<Bytes> usage(Sweep& sweep, Text& why) {
    const ProcessRequest request = journalctl("--disk-usage", k_look);
    const Result<ProcessAnswer> answer = sweep.world.processes.run(request);
    const CommandOutcome outcome = outcome_of(answer, request);
    if (!outcome.ok) {
        why = outcome.words;
        return std::nullopt;
    }
    const std::optional<Bytes> size = parse_disk_usage(answer->out);
    why = size ? Text{} : say(k_odd);
    return size;
}

} // namespace

std::optional<Bytes> parse_disk_usage(std::string_view text) {
    constexpr std::string_view k_before = " take up ";
    constexpr std::string_view k_units = "BKMGT"; // format_bytes() of systemd: powers of 1024
    const std::size_t begin = text.find(k_before);
    if (begin == std::string_view::npos) {
        return std::nullopt;
    }
    text.remove_prefix(begin + k_before.size());
    text = text.substr(0, text.find(' '));
    const std::size_t unit = text.empty() ? std::string_view::npos : k_units.find(text.back());
    const auto number =
        unit == std::string_view::npos ? std::nullopt : number_from<double>(text.substr(0, text.size() - 1));
    if (!number || *number < 0) {
        return std::nullopt;
    }
    return Bytes{static_cast<std::uint64_t>(*number * static_cast<double>(std::uint64_t{1} << (10 * unit)))};
}

void vacuum_journal(Bytes most, Sweep& sweep) {
    Deed deed{"journal", "journal", {}, Deed::End::failed};
    const std::optional<Bytes> before = usage(sweep, deed.words);
    if (before && *before <= most) {
        return;
    }
    if (before && sweep.effect == Sweep::Effect::none) {
        deed.end = Deed::End::shown;
        deed.freed = Bytes{before->count - most.count};
    } else if (before) {
        const CommandOutcome outcome =
            run_command(sweep.world, journalctl(fmt::format("--vacuum-size={}", most.count), k_vacuum));
        const std::optional<Bytes> after = outcome.ok ? usage(sweep, deed.words) : std::nullopt;
        if (after) {
            deed.end = *after < *before ? Deed::End::done : Deed::End::left;
            deed.freed = Bytes{before->count - std::min(before->count, after->count)};
            deed.words = *after > most ? say(k_active, format_size(*after)) : Text{};
        } else if (!outcome.ok) {
            deed.words = outcome.words;
        }
    }
    sweep.deeds.push_back(std::move(deed));
}

} // namespace lectio::cleanup
