#include "backup/offsite.h"

#include "platform/stop.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr std::array<Duration, 2> k_pauses{1s, 5s}; // an hour later the next run tries again
constexpr Bytes k_longest_list = 16_MB;
constexpr std::size_t k_longest_remark = 200;

constexpr Phrase k_not_run{"{} cannot be run: {}", "{} не запускается: {}"};
constexpr Phrase k_too_long{"{} has not ended in {}", "{} не завершилась за {}"};
constexpr Phrase k_failed{"{} has failed (exit status {}): {}", "{} завершилась с ошибкой (код {}): {}"};
constexpr Phrase k_killed{"{} was ended by signal {}", "{} завершена сигналом {}"};
constexpr Phrase k_silent{"it says nothing", "без объяснений"};
constexpr Phrase k_not_there{"the remote does not list {}", "в удалённом хранилище нет {}"};
constexpr Phrase k_other_size{"the remote has {} with another size than {}",
                              "в удалённом хранилище размер {} не {}"};
constexpr Phrase k_nothing_came{"{} has ended well and has brought no {}",
                                "{} завершилась успешно, но файла {} нет"};
constexpr Phrase k_list_cut{"the list of the remote is longer than {}",
                            "список удалённого хранилища длиннее {}"};

std::string name_only(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1)); // npos + 1 is 0
}

std::vector<std::string> filled(std::vector<std::string> command, const Path& file, const std::string& name) {
    constexpr std::string_view k_file = "{file}", k_name = "{name}";
    for (std::string& word : command) {
        for (const auto& [key, value] : {std::pair{k_file, file.string()}, std::pair{k_name, name}}) {
            for (std::size_t at = 0; (at = word.find(key, at)) != std::string::npos; at += value.size()) {
                word.replace(at, key.size(), value);
            }
        }
    }
    return command;
}

// Programs say last why they leave.
Text last_said(const ProcessAnswer& answer) {
    for (const std::string& said : {answer.err, answer.out}) {
        const std::string text(trim(said));
        if (!text.empty()) {
            return verbatim(shorten(clean_line(text.substr(text.rfind('\n') + 1)), k_longest_remark));
        }
    }
    return say(k_silent);
}

} // namespace

Listing::Listing(std::string_view printed) {
    const std::string_view text = trim(printed);
    if (text.starts_with('[')) {
        add_json(text);
        return;
    }
    for (const std::string_view line : split_lines(text)) {
        trim(line).starts_with('{') ? add_json(line) : add_line(line);
    }
}

bool Listing::has(const std::string& name, Bytes size) const {
    const auto [begin, end] = m_sizes.equal_range(name);
    return std::any_of(begin, end, [&](const auto& one) { return one.second == size.count; });
}

void Listing::add_json(std::string_view text) {
    const Json json = json_within_depth(text);
    const Json all = json.is_array() ? json : Json::array({json});
    for (const Json& one : all) {
        std::string name;
        for (const char* key : {"Name", "name", "Path", "path"}) {
            name = name.empty() ? name_only(text_of(one, key)) : name;
        }
        const std::int64_t size = std::max(integer_of(one, "Size"), integer_of(one, "size"));
        if (!name.empty()) {
            m_sizes.emplace(name, static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0)));
        }
    }
}

void Listing::add_line(std::string_view line) {
    std::vector<std::string_view> words = split(trim(line), ' ');
    if (words.size() < 2) {
        return;
    }
    const std::string name = name_only(words.back());
    words.pop_back();
    for (const std::string_view word : words) {
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (error == std::errc{} && end == word.data() + word.size()) {
            m_sizes.emplace(name, number);
        }
    }
}

std::vector<Backup> Offsite::waiting(const std::vector<Backup>& backups) const {
    std::vector<Backup> all;
    for (const Backup& backup : backups) {
        const bool good = backup.counts() || (!m_settings.verify && backup.state == State::complete);
        if (is_on() && good && !backup.away && !is_in_repository(backup.snapshot)) {
            all.push_back(backup);
        }
    }
    std::reverse(all.begin(), all.end());
    return all;
}

Text Offsite::send(const Backup& backup, SteadyTime until) {
    Text problem = send_once(backup, until);
    for (const Duration pause : k_pauses) {
        if (problem.empty() || stop_requested() || m_world.clock.steady() + pause >= until) {
            break;
        }
        sleep_unless_stopped(m_world.clock, m_world.clock.steady() + pause);
        problem = send_once(backup, until);
    }
    return problem;
}

Text Offsite::send_once(const Backup& backup, SteadyTime until) {
    const Answer file = ask(m_settings.offsite, backup.file_name(), until);
    const Answer manifest =
        file.problem.empty() ? ask(m_settings.offsite, backup.manifest_name(), until) : file;
    return manifest.problem.empty() ? flaw(backup, until) : manifest.problem;
}

Text Offsite::flaw(const Backup& backup, SteadyTime until) {
    if (!can_look()) {
        return {};
    }
    const Answer listed = ask(m_settings.offsite_list, backup.file_name(), until);
    if (!listed.problem.empty()) {
        return listed.problem;
    }
    const Listing listing(listed.out);
    if (!listing.has(backup.file_name())) {
        return say(k_not_there, backup.file_name());
    }
    const bool whole = listing.has(backup.file_name(), backup.packed.size);
    return whole ? Text{} : say(k_other_size, backup.file_name(), backup.packed.size.count);
}

Text Offsite::fetch(const Backup& backup, const Path& into, SteadyTime until) {
    const Answer answer = ask(m_settings.offsite_fetch, into, backup.file_name(), until);
    if (!answer.problem.empty()) {
        return answer.problem;
    }
    const Result<FileInfo> there = m_world.files.info(into, Files::Follow::no);
    return there && there->type == FileInfo::Type::regular
               ? Text{}
               : say(k_nothing_came, clean_line(m_settings.offsite_fetch.front()), backup.file_name());
}

Offsite::Answer Offsite::ask(const std::vector<std::string>& command, const Path& file,
                             const std::string& name, SteadyTime until) {
    ProcessRequest request;
    request.command = filled(command, file, name);
    request.max_output = k_longest_list;
    request.timeout =
        std::max<Duration>(1s, std::chrono::duration_cast<Duration>(until - m_world.clock.steady()));
    const std::string program = clean_line(command.front());
    const Result<ProcessAnswer> answer = m_world.processes.run(request);
    if (!answer) {
        return {say(k_not_run, program, error_words(answer.error().message)), {}};
    }
    if (answer->timed_out) {
        return {say(k_too_long, program, format_duration(request.timeout)), {}};
    }
    if (!answer->exit_status) {
        return {say(k_killed, program, answer->signal), {}};
    }
    if (*answer->exit_status != 0) {
        return {say(k_failed, program, *answer->exit_status, last_said(*answer)), {}};
    }
    if (answer->cut) {
        return {say(k_list_cut, format_size(k_longest_list)), {}};
    }
    return {{}, answer->out};
}

} // namespace lectio::backup
