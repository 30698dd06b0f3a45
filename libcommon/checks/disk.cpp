#include "checks/disk.h"

#include "checks/hung_mount.h"
#include "checks/moment.h"
#include "checks/thresholds.h"
#include "platform/disk_probe.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_free{"{} free of {} ({})", "свободно {} из {} ({})"};
constexpr Phrase k_little{"little space on {}: {}", "мало места на {}: {}"};
constexpr Phrase k_full{"almost no space on {}: {}", "почти нет места на {}: {}"};
constexpr Phrase k_none{"no space is left on {} ({} in all)", "на {} не осталось места (всего {})"};
constexpr Phrase k_few_inodes{"{}: only {} of {} inodes left, new files will soon fail",
                              "{}: осталось {} из {} inode, скоро нельзя будет создавать файлы"};
constexpr Phrase k_grown{"{} more used than a day ago", "за сутки занято на {} больше"};
constexpr Phrase k_read_only{"{} is mounted read-only: nothing can be saved",
                             "{} доступен только для чтения: ничего нельзя сохранить"};
constexpr Phrase k_cannot_look{"unable to look at the disk: {}", "не удалось посмотреть диск: {}"};
constexpr Phrase k_dead{"the disk does not answer properly: {}", "диск не отвечает как должен: {}"};
constexpr Phrase k_find_large{"look what takes the space: du -xh --max-depth=2 {} | sort -h | tail -20",
                              "посмотрите, что занимает место: du -xh --max-depth=2 {} | sort -h | tail -20"};
constexpr Phrase k_find_many{
    "look where the files are: du -x --inodes --max-depth=3 {} | sort -n | tail -20",
    "посмотрите, где эти файлы: du -x --inodes --max-depth=3 {} | sort -n | tail -20"};
constexpr Phrase k_why_read_only{
    "look why: dmesg -T | tail -50 (the kernel does this after disk errors)",
    "посмотрите, почему: dmesg -T | tail -50 (ядро делает так после ошибок диска)"};

// About a day: a sample now and then, compared with the oldest.
constexpr const char* k_used = "used";
constexpr Duration k_between_samples = std::chrono::hours(4);
constexpr Duration k_day_at_least = std::chrono::hours(20);
constexpr Duration k_day_at_most = std::chrono::hours(28);
constexpr std::size_t k_most_samples = 12;
constexpr std::uint64_t k_worth_telling = 100; // a hundredth of the disk

const Schema<DiskSettings>& disk_schema() {
    static const Schema<DiskSettings> schema =
        Schema<DiskSettings>{
            required("path", &DiskSettings::path, "any folder or file on the file system"),
            optional("free", &DiskSettings::free, "space left for programs that are not root's")
                .units({Amount::Unit::percent, Amount::Unit::bytes})
                .runs_out(),
            optional("inodes", &DiskSettings::inodes, "inodes left, where the file system counts them")
                .units({Amount::Unit::percent, Amount::Unit::number})
                .runs_out(),
            optional("clear", &DiskSettings::clear, "`free` at which it is well again")
                .units({Amount::Unit::percent, Amount::Unit::bytes})
                .or_empty(),
        }
            .verify([](const DiskSettings& settings) {
                return clear_complaints(settings.free, settings.clear, Limits::Direction::runs_out);
            });
    return schema;
}

// ── growth ──────────────────────────────────────────────────────────────────────────────────────────────────────

// What was used at some moment of the last day. Which folder it went to is for the operator to look: to know that, the
// whole tree would have to be walked beforehand, every day, on a disk that is slow already (docs/decisions/0010).
struct UsedThen {
    Now when;
    Bytes used;
};

Bytes used_of(const DiskSpace& space) {
    return {space.total.count - std::min(space.free, space.total).count};
}

// "MOMENT BYTES MOMENT BYTES …", the oldest first.
std::vector<UsedThen> kept_samples(const std::map<std::string, std::string>& memory, const Now& now) {
    std::vector<UsedThen> samples;
    const auto kept = memory.find(k_used);
    const std::vector<std::string_view> words =
        kept == memory.end() ? std::vector<std::string_view>() : split(kept->second, ' ');
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
        const std::optional<Now> when = moment_from_text(words[i]);
        std::uint64_t bytes = 0;
        const auto [end, code] =
            std::from_chars(words[i + 1].data(), words[i + 1].data() + words[i + 1].size(), bytes);
        if (when && code == std::errc{} && elapsed(*when, now) <= k_day_at_most &&
            samples.size() < k_most_samples) {
            samples.push_back({*when, {bytes}});
        }
    }
    return samples;
}

std::string text_of(const std::vector<UsedThen>& samples) {
    std::string text;
    for (const UsedThen& sample : samples) {
        text +=
            fmt::format("{}{} {}", text.empty() ? "" : " ", moment_to_text(sample.when), sample.used.count);
    }
    return text;
}

std::string share(double part, double whole) {
    const double percent = whole > 0 ? part / whole * 100 : 0;
    return percent < 1 ? fmt::format("{:.1f}%", percent) : fmt::format("{:.0f}%", std::floor(percent));
}

Metric metric_of(const std::string& name, const Quantity& seen, const Thresholds& thresholds,
                 const std::string& unit) {
    return {name,
            seen.value,
            unit,
            in_units_of(seen, thresholds.warn),
            in_units_of(seen, thresholds.critical),
            Metric::Bad::below};
}

void judge_space(CheckResult& result, const DiskSpace& space, const DiskSettings& settings,
                 const std::map<std::string, std::string>& memory) {
    const Quantity seen{static_cast<double>(space.free.count), static_cast<double>(space.total.count)};
    result.metrics.push_back(metric_of("free", seen, settings.free, "B"));
    result.status = judge_thresholds(seen, settings.free, settings.clear, Direction::runs_out, "free", memory,
                                     result.memory);
    const Text free =
        say(k_free, format_size(space.free), format_size(space.total), share(seen.value, *seen.total));
    result.message = free;
    if (result.status != Status::ok) {
        result.message = space.free.count == 0 ? say(k_none, settings.path.string(), format_size(space.total))
                                               : say(result.status == Status::critical ? k_full : k_little,
                                                     settings.path.string(), free);
        result.hint = say(k_find_large, settings.path.string());
    }
}

void judge_inodes(CheckResult& result, const DiskSpace& space, const DiskSettings& settings,
                  const std::map<std::string, std::string>& memory) {
    if (space.inodes == 0) {
        return; // btrfs and the like make them as needed
    }
    const Quantity seen{static_cast<double>(space.inodes_free), static_cast<double>(space.inodes)};
    result.metrics.push_back(metric_of("inodes_free", seen, settings.inodes, ""));
    const Status status =
        judge_thresholds(seen, settings.inodes, {}, Direction::runs_out, "inodes", memory, result.memory);
    raise(result, status, say(k_few_inodes, settings.path.string(), space.inodes_free, space.inodes),
          say(k_find_many, settings.path.string()));
}

CheckResult not_seen(const Error& error, const CheckContext& context) {
    CheckResult result;
    // A disk that gives errors is news about the disk; a path that is not there, or rights, are ours.
    const bool disk_fails = error.kind == ErrorKind::io;
    result.status = disk_fails ? Status::critical : Status::unknown;
    result.message = say(disk_fails ? k_dead : k_cannot_look, error_words(error.message));
    result.remedy = Remedy::cannot_help;
    result.memory = context.memory;
    return result;
}

class DiskCheck final : public BlockingCheck {
  public:
    explicit DiskCheck(DiskSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Result<std::vector<Mount>> mounts = context.world.host.mounts();
        if (!mounts) {
            return not_seen(mounts.error(), context); // whether it may hang cannot be known
        }
        if (const std::optional<Mount> mount = mount_that_may_hang(m_settings.path, *mounts)) {
            return ask_child(*mount, context);
        }
        const Result<DiskSpace> space = context.world.host.disk(m_settings.path);
        return space ? judged(*space, context) : not_seen(space.error(), context);
    }

  private:
    CheckResult judged(const DiskSpace& space, const CheckContext& context) const {
        CheckResult result = evaluate_disk(space, m_settings, context.memory);
        tell_growth(result, space, context.now, context.memory);
        return result;
    }

    CheckResult ask_child(const Mount& mount, const CheckContext& context) const {
        const Duration at_most = time_for(context, k_mount_timeout);
        const PatientDisk seen = disk_in_child(m_settings.path, at_most, left_behind(context.memory));
        CheckResult result = judge_patient(seen, mount, at_most, context);
        keep_left_behind(result, seen.left_behind);
        return result;
    }

    CheckResult judge_patient(const PatientDisk& seen, const Mount& mount, Duration at_most,
                              const CheckContext& context) const {
        switch (seen.outcome) {
        case Stranded::Outcome::answered:
            return judged(seen.space, context);
        case Stranded::Outcome::failed:
            return not_seen(seen.error, context);
        case Stranded::Outcome::hangs:
        case Stranded::Outcome::still_hangs:
            break;
        }
        const bool cut_short = seen.outcome == Stranded::Outcome::hangs && at_most < k_mount_timeout;
        return cut_short ? not_finished(context.memory)
                         : evaluate_hung_disk(mount, seen.outcome, context.memory);
    }

    DiskSettings m_settings;
};

} // namespace

CheckResult evaluate_disk(const DiskSpace& space, const DiskSettings& settings,
                          const std::map<std::string, std::string>& memory) {
    CheckResult result;
    result.remedy = Remedy::cannot_help; // restarting anything would only write more
    judge_space(result, space, settings, memory);
    judge_inodes(result, space, settings, memory);
    if (space.read_only) {
        result.status = Status::critical;
        result.message = say(k_read_only, settings.path.string());
        result.hint = say(k_why_read_only);
    }
    return result;
}

void tell_growth(CheckResult& result, const DiskSpace& space, const Now& now,
                 const std::map<std::string, std::string>& memory) {
    std::vector<UsedThen> samples = kept_samples(memory, now);
    const Bytes used = used_of(space);
    if (!samples.empty() && result.status != Status::ok) {
        const UsedThen& oldest = samples.front();
        const bool about_a_day = elapsed(oldest.when, now) >= k_day_at_least;
        if (about_a_day && used > oldest.used &&
            used.count - oldest.used.count >= space.total.count / k_worth_telling) {
            result.message =
                join("; ", {result.message, say(k_grown, format_size({used.count - oldest.used.count}))});
        }
    }
    if (samples.empty() || elapsed(samples.back().when, now) >= k_between_samples) {
        samples.push_back({now, used});
    }
    result.memory[k_used] = text_of(samples);
}

CheckResult evaluate_hung_disk(const Mount& mount, Stranded::Outcome outcome,
                               const std::map<std::string, std::string>& memory) {
    CheckResult result = hung_mount(mount_name(mount), outcome);
    result.memory = memory;
    return result;
}

CheckType disk_check_type() {
    return make_check_type<disk_schema, DiskCheck>("disk", Layer::disk, Recheck::no,
                                                   "free space and inodes of a file system; read-only");
}

} // namespace lectio
