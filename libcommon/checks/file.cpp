#include "checks/file.h"

#include "checks/hung_mount.h"
#include "checks/thresholds.h"
#include "config/complaints.h"
#include "util/text.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <sys/stat.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Must = FileSettings::Must;
using Outcome = Stranded::Outcome;

constexpr Duration k_clocks_apart{60'000}; // of another host that writes here
constexpr mode_t k_permissions = 07777;

constexpr Phrase k_there{"{}, changed {} ago", "{}, изменён {} назад"};
constexpr Phrase k_folder_there{"the folder is there", "папка на месте"};
constexpr Phrase k_not_there{"it is not there, as it should be", "его нет, как и должно быть"};
constexpr Phrase k_missing{"{} is not there", "нет файла {}"};
constexpr Phrase k_must_not_be{"{} must not be there, but is: {}, since {}",
                               "{}: этого быть не должно, но оно есть: {}, уже {}"};
constexpr Phrase k_dangling{"{} is a link to {}, which cannot be reached: {}",
                            "{} — ссылка на {}, а туда не попасть: {}"};
constexpr Phrase k_through{"{}, through the link to {}", "{}, по ссылке на {}"};
constexpr Phrase k_not_a_file{"{} is {}, not a file", "{} — {}, а не файл"};
constexpr Phrase k_not_a_folder{"{} is {}, not a folder", "{} — {}, а не папка"};
constexpr Phrase k_too_old{"{} has not changed for {}", "{} не меняется уже {}"};
constexpr Phrase k_from_the_future{"{} is dated {} in the future, so its age cannot be judged",
                                   "{} датирован будущим, на {} вперёд: судить о его возрасте нельзя"};
constexpr Phrase k_too_large{"{} is {} large", "{} занимает {}"};
constexpr Phrase k_wrong_mode{"the mode of {} is {:o}, expected {:o}", "права {} — {:o}, а должны быть {:o}"};
constexpr Phrase k_wrong_owner{"{} belongs to {}, expected {}", "{} принадлежит {}, а должен {}"};
constexpr Phrase k_cannot_look{"unable to look at {}: {}", "не удалось посмотреть на {}: {}"};
constexpr Phrase k_disk_fails{"{} cannot be read: {}", "{} не читается: {}"};

constexpr Phrase k_regular{"a file of {}", "файл, {}"};
constexpr Phrase k_folder{"a folder", "папка"};
constexpr Phrase k_fifo{"a named pipe (FIFO)", "именованный канал (FIFO)"};
constexpr Phrase k_link{"a link", "ссылка"};
constexpr Phrase k_socket{"a socket", "сокет"};
constexpr Phrase k_device{"a device", "устройство"};

const Schema<FileSettings>& file_schema() {
    static const Schema<FileSettings> schema{
        required("path", &FileSettings::path, "the file; with a slash at its end: a folder"),
        optional("must", &FileSettings::must, "whether it must be there")
            .one_of({{"exist", Must::exist}, {"absent", Must::absent}}),
        optional("age", &FileSettings::age, "since it was changed")
            .units({Amount::Unit::milliseconds})
            .grows(),
        optional("size", &FileSettings::size, "of the file").units({Amount::Unit::bytes}).grows(),
        optional("mode", &FileSettings::mode, "exact mode, \"640\""),
        optional("owner", &FileSettings::owner, "user:group, user, :group").check(owner_complaint),
    };
    return schema;
}

Text kind_of(const FileSighting& seen) {
    switch (seen.mode & S_IFMT) {
    case S_IFREG:
        return say(k_regular, format_size({seen.size}));
    case S_IFDIR:
        return say(k_folder);
    case S_IFIFO:
        return say(k_fifo);
    case S_IFLNK: // that leads nowhere
        return say(k_link);
    case S_IFSOCK:
        return say(k_socket);
    default:
        return say(k_device);
    }
}

std::string shown(const FileSettings& settings) {
    return clean_line(settings.path.string());
}

Text system_words(int error) {
    return error_words(std::generic_category().message(error));
}

CheckResult result_of(Status status, Text message, Text hint = {}) {
    CheckResult result;
    result.status = status;
    result.message = std::move(message);
    result.hint = std::move(hint);
    return result;
}

Text age_words(std::int64_t milliseconds) {
    return span_of(std::max<std::int64_t>(milliseconds, 0) / 1000);
}

// Whoever makes the file is not to blame.
CheckResult disk_trouble(Text message) {
    CheckResult result = result_of(Status::critical, std::move(message));
    result.remedy = Remedy::cannot_help;
    return result;
}

// It may be that there is nothing: the path itself, or a folder above it.
bool means_absent(int error) {
    return error == ENOENT || error == ENOTDIR;
}

CheckResult not_seen(int error, const FileSettings& settings) {
    if (means_absent(error)) {
        return settings.must == Must::absent ? result_of(Status::ok, say(k_not_there))
                                             : result_of(Status::critical, say(k_missing, shown(settings)));
    }
    if (error == EACCES || error == EPERM) {
        return result_of(Status::unknown, say(k_cannot_look, shown(settings), system_words(error)));
    }
    return disk_trouble(say(k_disk_fails, shown(settings), system_words(error)));
}

CheckResult no_answer(const FileProbe& probe, const FileSettings& settings) {
    if (probe.outcome == Outcome::failed) {
        return result_of(Status::unknown,
                         say(k_cannot_look, shown(settings), error_words(probe.error.message)));
    }
    return hung_mount(probe.mount, probe.outcome);
}

void judge_age(CheckResult& result, const FileSighting& seen, const FileSettings& settings, WallTime now,
               const std::map<std::string, std::string>& memory) {
    if (!settings.age.warn && !settings.age.critical) {
        return;
    }
    const std::int64_t age = now.time_since_epoch().count() - seen.modified;
    const Quantity quantity{static_cast<double>(std::max<std::int64_t>(age, 0)), {}};
    const auto seconds = [](const std::optional<double>& value) {
        return value ? std::optional(*value / 1000) : std::nullopt;
    };
    result.metrics.push_back({"age", quantity.value / 1000, "s",
                              seconds(in_units_of(quantity, settings.age.warn)),
                              seconds(in_units_of(quantity, settings.age.critical))});
    raise(result,
          judge_thresholds(quantity, settings.age, {}, Direction::grows, "age", memory, result.memory),
          say(k_too_old, shown(settings), age_words(age)));
    if (-age > k_clocks_apart.count()) {
        raise(result, Status::warning, say(k_from_the_future, shown(settings), age_words(-age)));
    }
}

void judge_size(CheckResult& result, const FileSighting& seen, const FileSettings& settings,
                const std::map<std::string, std::string>& memory) {
    const Quantity size{static_cast<double>(seen.size), {}};
    result.metrics.push_back({"size", size.value, "B", in_units_of(size, settings.size.warn),
                              in_units_of(size, settings.size.critical)});
    raise(result, judge_thresholds(size, settings.size, {}, Direction::grows, "size", memory, result.memory),
          say(k_too_large, shown(settings), format_size({seen.size})));
}

void judge_rights(CheckResult& result, const FileSample& sample, const FileSettings& settings) {
    const FileSighting& seen = sample.probe.sighting;
    if (const mode_t mode = seen.mode & k_permissions; settings.mode && mode != settings.mode->bits) {
        raise(result, Status::critical, say(k_wrong_mode, shown(settings), mode, settings.mode->bits),
              verbatim(fmt::format("chmod {:o} {}", settings.mode->bits, shown(settings))));
    }
    const Owner& wanted = sample.owner;
    if (wanted.user.value_or(seen.owner) != seen.owner || wanted.group.value_or(seen.group) != seen.group) {
        raise(result, Status::critical,
              say(k_wrong_owner, shown(settings), sample.owner_seen, settings.owner),
              verbatim(fmt::format("chown {} {}", settings.owner, shown(settings))));
    }
}

CheckResult judge_kind(const FileSighting& seen, const FileSettings& settings, WallTime now) {
    const bool folder_wanted = settings.path.string().ends_with('/');
    if (!(folder_wanted ? S_ISDIR(seen.mode) : S_ISREG(seen.mode))) {
        return result_of(Status::critical,
                         say(folder_wanted ? k_not_a_folder : k_not_a_file, shown(settings), kind_of(seen)));
    }
    if (folder_wanted) {
        return result_of(Status::ok, say(k_folder_there));
    }
    return result_of(Status::ok, say(k_there, format_size({seen.size}),
                                     age_words(now.time_since_epoch().count() - seen.modified)));
}

CheckResult judge_present(const FileSample& sample, const FileSettings& settings, WallTime now,
                          const std::map<std::string, std::string>& memory) {
    const FileSighting& seen = sample.probe.sighting;
    CheckResult result = judge_kind(seen, settings, now);
    if (result.status != Status::ok) {
        return result; // its age, size and owner would be said of something else
    }
    judge_age(result, seen, settings, now, memory);
    if (S_ISREG(seen.mode)) {
        judge_size(result, seen, settings, memory);
    }
    judge_rights(result, sample, settings);
    return result;
}

CheckResult judge_sighting(const FileSample& sample, const FileSettings& settings, WallTime now,
                           const std::map<std::string, std::string>& memory) {
    const FileSighting& seen = sample.probe.sighting;
    if (seen.error != 0) {
        return not_seen(seen.error, settings);
    }
    const std::string target = clean_line(seen.target.data());
    if (settings.must == Must::absent) {
        const Text kind = seen.link ? say(k_through, kind_of(seen), target) : kind_of(seen);
        return result_of(Status::critical, say(k_must_not_be, shown(settings), kind,
                                               age_words(now.time_since_epoch().count() - seen.modified)));
    }
    if (seen.target_error != 0) {
        return result_of(Status::critical,
                         say(k_dangling, shown(settings), target, system_words(seen.target_error)));
    }
    CheckResult result = judge_present(sample, settings, now, memory);
    if (seen.link) {
        result.message = say(k_through, result.message, target);
    }
    return result;
}

class FileCheck final : public BlockingCheck {
  public:
    explicit FileCheck(FileSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        FileSample sample;
        if (!m_settings.owner.empty()) {
            const Result<Owner> owner = find_owner(m_settings.owner);
            if (!owner) {
                return unable(owner.error(), context);
            }
            sample.owner = *owner;
        }
        const Result<std::vector<Mount>> mounts = context.world.host.mounts();
        if (!mounts) {
            return unable(mounts.error(), context); // whether it may hang cannot be known
        }
        const Duration at_most = time_for(context, k_mount_timeout);
        // Without the slash a link to a folder is seen as a link.
        const std::string path = m_settings.path.string();
        sample.probe =
            file_probe(path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path,
                       *mounts, at_most, left_behind(context.memory));
        if (sample.probe.outcome == Outcome::hangs && at_most < k_mount_timeout) {
            CheckResult result = not_finished(context.memory);
            keep_left_behind(result, sample.probe.left_behind);
            return result;
        }
        sample.owner_seen = m_settings.owner.empty() ? "" : owner_text(sample.probe.sighting);
        return evaluate_file(sample, m_settings, context.now.wall, context.memory);
    }

  private:
    CheckResult unable(const Error& error, const CheckContext& context) const {
        CheckResult result =
            result_of(Status::unknown, say(k_cannot_look, shown(m_settings), error_words(error.message)));
        result.memory = context.memory;
        return result;
    }

    FileSettings m_settings;
};

} // namespace

CheckResult evaluate_file(const FileSample& sample, const FileSettings& settings, WallTime now,
                          const std::map<std::string, std::string>& memory) {
    CheckResult result = sample.probe.outcome == Outcome::answered
                             ? judge_sighting(sample, settings, now, memory)
                             : no_answer(sample.probe, settings);
    keep_left_behind(result, sample.probe.left_behind);
    return result;
}

CheckType file_check_type() {
    return make_check_type<file_schema, FileCheck>("file", Layer::other, Recheck::no,
                                                   "a file is there and as it should be, or is not there");
}

} // namespace lectio
