#include "heartbeat/job_record.h"

#include "platform/derived_file.h"
#include "store/kept_json.h"
#include "util/json_members.h"
#include "util/text.h"
#include "words/error_words.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::heartbeat {
namespace {

using Json = nlohmann::json;

constexpr mode_t k_folder_mode = 0700, k_file_mode = 0600;
constexpr Bytes k_largest = 64_kB;
constexpr std::size_t k_most_jobs = 200;
constexpr std::string_view k_extension = ".json";

constexpr Phrase k_garbage{"its record is cut or garbage", "запись о нём обрезана или испорчена"};

Path end_file(const Path& state, const std::string& job) {
    return state / "jobs" / fmt::format("{}{}", job, k_extension);
}

Path run_file(const Path& run, const std::string& job) {
    return run / fmt::format("job-{}{}", job, k_extension);
}

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Nothing: it is not there, or `record` says what is wrong with it.
std::optional<Json> read(Files& files, const Path& file, JobRecord& record) {
    const Result<std::string> text = files.read(file, k_largest);
    if (!text) {
        record.denied = record.denied || text.error().kind == ErrorKind::permission;
        if (text.error().kind != ErrorKind::not_found && !record.denied) {
            record.trouble = error_words(text.error().message);
        }
        return std::nullopt;
    }
    const Json json = Json::parse(*text, nullptr, false);
    if (!now_of(object_of(json, "at"))) {
        record.trouble = say(k_garbage);
        return std::nullopt;
    }
    return json;
}

} // namespace

Result<void> note_begin(const Path& run, const std::string& job, const JobRecord::Run& begun) {
    return replace_derived(run_file(run, job), dumped({{"at", json_of(begun.begun)}, {"pid", begun.pid}}),
                           k_file_mode);
}

Result<void> note_end(Files& files, const Path& state, const Path& run, const std::string& job,
                      const JobRecord::End& end) {
    LECTIO_TRY(files.make_folders(state / "jobs", k_folder_mode));
    LECTIO_TRY(write_atomically(files, end_file(state, job),
                                dumped({{"at", json_of(end.at)},
                                        {"took_ms", end.took.count()},
                                        {"status", end.status},
                                        {"words", json_of(end.words)}}),
                                k_file_mode));
    const Result<void> removed = files.remove(run_file(run, job));
    return removed || removed.error().kind == ErrorKind::not_found ? Result<void>{} : removed;
}

JobRecord read_job(Files& files, const Path& state, const Path& run, const std::string& job) {
    JobRecord record;
    if (const std::optional<Json> json = read(files, run_file(run, job), record)) {
        record.run = {*now_of(object_of(*json, "at")), static_cast<int>(integer_of(*json, "pid"))};
    }
    if (const std::optional<Json> json = read(files, end_file(state, job), record)) {
        record.end = {*now_of(object_of(*json, "at")), Duration(integer_of(*json, "took_ms")),
                      static_cast<int>(integer_of(*json, "status")), both_of(*json, "words")};
    }
    return record;
}

std::vector<std::string> known_jobs(Files& files, const Path& state) {
    std::vector<std::string> jobs;
    for (const std::string& name : files.list(state / "jobs").value_or({})) {
        const std::string job = name.substr(0, name.size() - std::min(name.size(), k_extension.size()));
        if (name.ends_with(k_extension) && is_name(job) && jobs.size() < k_most_jobs) {
            jobs.push_back(job);
        }
    }
    return jobs;
}

} // namespace lectio::heartbeat
