#include "checks/growth.h"

#include "checks/hung_mount.h"
#include "checks/postgres.h"
#include "checks/sqlite.h"
#include "checks/thresholds.h"
#include "config/complaints.h"
#include "platform/file_probe.h"
#include "platform/postgres.h"
#include "platform/tree_size.h"
#include "util/number.h"
#include "util/text.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <sys/stat.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Kind = GrowthTarget::Kind;

constexpr Phrase k_full{"{}: {} more a day, full in {}", "{}: +{} в день, место кончится через {}"};
constexpr Phrase k_at_limit{"{}: {} more a day, reaches its limit of {} in {}",
                            "{}: +{} в день, предела {} достигнет через {}"};
constexpr Phrase k_over_limit{"{}: {} more a day, over its limit of {} already",
                              "{}: +{} в день, предел {} уже пройден"};
constexpr Phrase k_far{"{}: {} more a day, enough room for years", "{}: +{} в день, места хватит на годы"};
constexpr Phrase k_grows{"{}: {} more a day", "{}: +{} в день"};
constexpr Phrase k_still{"{}: not growing", "{}: не растёт"};
constexpr Phrase k_shrinks{"{}: {} less a day", "{}: −{} в день"};
constexpr Phrase k_young{"{}: {} (its pace is known after three days)",
                         "{}: {} (темп станет ясен за трое суток)"};
constexpr Phrase k_freed{"{} (a clean-up that freed {} left out)", "{} (уборка, освободившая {}, не в счёт)"};
constexpr Phrase k_unseen{"{}: {}", "{}: {}"};
constexpr Phrase k_disk{"disk {}", "диск {}"};
constexpr Phrase k_hint{"look what takes the space: du -xh --max-depth=2 / | sort -h | tail -20",
                        "посмотрите, что занимает место: du -xh --max-depth=2 / | sort -h | tail -20"};

constexpr Phrase k_unable{"unable to look: {}", "не удалось посмотреть: {}"};
constexpr Phrase k_may_hang{"lies on {}, which may hang: it is not counted",
                            "лежит на {}, а такая файловая система может зависнуть: не считается"};
constexpr Phrase k_late{"too many files to count in {}: give it `every = \"24h\"` and a longer deadline",
                        "слишком много файлов, за {} не сосчитать: дайте проверке больше времени (deadline)"};
constexpr Phrase k_unread{"{} folders may not be looked into", "папок, в которые нельзя заглянуть: {}"};
constexpr Phrase k_no_check{"the check it names looks at no database just now",
                            "названная проверка сейчас не смотрит ни на какую базу"};

constexpr Duration k_counting = 60s; // the files of one folder
constexpr Duration k_asking = 5s;    // PostgreSQL
constexpr double k_years = 730;      // days
constexpr double k_day_ms = 86'400'000;
constexpr double k_nothing = 1024 * 1024; // a day: what grows by less stands still
constexpr const char* k_sizes = "size-";  // of the memory, before the text of a target

const Schema<GrowthSettings>& growth_schema() {
    static const Schema<GrowthSettings> schema{
        required("of", &GrowthSettings::of,
                 "disk:PATH, files:PATH, or check:NAME of a sqlite or postgres check of the same tool")
            .check(growth_complaint)
            .not_empty(),
        optional("full_in", &GrowthSettings::full_in,
                 "time left at the pace of the last week; told when it is reached only if `severity` is set")
            .units({Amount::Unit::milliseconds})
            .runs_out(),
    };
    return schema;
}

std::string_view after_colon(std::string_view text) {
    return text.substr(std::min(text.find(':') + 1, text.size()));
}

std::optional<Bytes> limit_of(const Thresholds& size) {
    const std::optional<Amount>& amount = size.critical ? size.critical : size.warn;
    return amount ? std::optional(Bytes{static_cast<std::uint64_t>(amount->value)}) : std::nullopt;
}

void follow(GrowthTarget& target, const CheckSettings& check) {
    if (check.settings == nullptr || !check.unset.empty()) {
        return;
    }
    if (check.type == "sqlite") {
        const auto& sqlite = *static_cast<const SqliteSettings*>(check.settings.get());
        target.kind = Kind::sqlite;
        target.path = sqlite.path;
        target.limit = limit_of(sqlite.size);
    } else if (check.type == "postgres") {
        const auto& postgres = *static_cast<const PostgresSettings*>(check.settings.get());
        target.kind = Kind::postgres;
        target.url = postgres.url;
        target.sslmode = postgres.sslmode;
        target.limit = limit_of(postgres.size);
    }
}

// ── judging ─────────────────────────────────────────────────────────────────────────────────────────────────

Text name_of(const GrowthTarget& target) {
    const std::string name = shorten(clean_line(after_colon(target.text)), 80);
    return target.kind == Kind::disk ? say(k_disk, name) : verbatim(name);
}

std::string size_words(double bytes) {
    return format_size(Bytes{static_cast<std::uint64_t>(std::max(bytes, 0.0))});
}

// When there is no room, and what for: the disk's or the limit of its own check, whichever comes first.
struct End {
    double days = 0;
    std::optional<Bytes> limit; // none: the disk is full
};
std::optional<End> end_of(const GrowthTarget& target, Bytes size, const std::optional<Bytes>& room,
                          double pace) {
    std::optional<End> end;
    if (room) {
        end = End{static_cast<double>(room->count) / pace, {}};
    }
    if (target.limit) {
        const double left = static_cast<double>(target.limit->count) - static_cast<double>(size.count);
        const double days = std::max(left, 0.0) / pace;
        if (!end || days < end->days) {
            end = End{days, target.limit};
        }
    }
    return end;
}

Text words_of(const GrowthTarget& target, const std::optional<End>& end, double pace) {
    const Text name = name_of(target);
    const std::string a_day = size_words(pace);
    if (!end) {
        return say(k_grows, name, a_day);
    }
    if (end->days > k_years) {
        return say(k_far, name, a_day);
    }
    const Text span = span_of(static_cast<std::int64_t>(end->days * 86'400));
    if (!end->limit) {
        return say(k_full, name, a_day, span);
    }
    return end->days > 0 ? say(k_at_limit, name, a_day, format_size(*end->limit), span)
                         : say(k_over_limit, name, a_day, format_size(*end->limit));
}

class Judging {
  public:
    Judging(const GrowthSettings& settings, const Now& now, const std::map<std::string, std::string>& memory)
        : m_settings(settings), m_now(now), m_memory(memory) {
        m_result.status = Status::ok;
        m_result.remedy = Remedy::cannot_help;
    }

    void one(const GrowthTarget& target, const GrowthSample& sample) {
        const std::string key = k_sizes + target.text;
        const auto kept = m_memory.find(key);
        GrowthTrack track = GrowthTrack::from_text(kept == m_memory.end() ? "" : kept->second);
        if (sample.size) {
            track.add(m_now, *sample.size);
        }
        if (track.last()) {
            m_result.memory[key] = track.to_text();
        }
        if (!sample.trouble.empty()) {
            note(Status::unknown, say(k_unseen, name_of(target), sample.trouble));
            keep_level(target);
        } else if (const std::optional<Bytes> size = sample.size ? sample.size : track.last()) {
            judge(target, *size, sample.room, track);
        }
    }

    CheckResult finish() && {
        std::stable_sort(m_lines.begin(), m_lines.end(),
                         [](const Line& a, const Line& b) { return rank(a.status) < rank(b.status); });
        for (const Line& line : m_lines) {
            m_result.status = worst(m_result.status, line.status);
            m_result.message = join("; ", {m_result.message, line.words});
        }
        const bool bad = m_result.status == Status::warning || m_result.status == Status::critical;
        if (bad) {
            m_result.hint = say(k_hint);
        }
        if (bad && !m_settings.tells) {
            m_result.status = Status::ok; // for the summary
        }
        return std::move(m_result);
    }

  private:
    struct Line {
        Status status = Status::ok;
        Text words;
    };

    // The worst first.
    static int rank(Status status) {
        switch (status) {
        case Status::critical:
            return 0;
        case Status::warning:
            return 1;
        case Status::unknown:
            return 2;
        default:
            return 3;
        }
    }

    void note(Status status, Text words) { m_lines.push_back({status, std::move(words)}); }

    // What could not be seen is as full as it was.
    void keep_level(const GrowthTarget& target) {
        const std::string key = "level-" + target.text;
        if (const auto kept = m_memory.find(key); kept != m_memory.end()) {
            m_result.memory[key] = kept->second;
        }
    }

    void judge(const GrowthTarget& target, Bytes size, const std::optional<Bytes>& room,
               const GrowthTrack& track) {
        const std::optional<GrowthTrack::Pace> pace = track.pace();
        m_result.metrics.push_back({"size " + target.text, static_cast<double>(size.count), "B", {}, {}});
        if (!pace) {
            note(Status::ok, say(k_young, name_of(target), format_size(size)));
            return;
        }
        m_result.metrics.push_back({"growth " + target.text, std::round(pace->a_day), "B", {}, {}});
        if (pace->a_day < k_nothing) {
            const bool shrinks = pace->a_day < -k_nothing;
            note(Status::ok, shrinks ? say(k_shrinks, name_of(target), size_words(-pace->a_day))
                                     : say(k_still, name_of(target)));
            return;
        }
        const std::optional<End> end = end_of(target, size, room, pace->a_day);
        const Text words = words_of(target, end, pace->a_day);
        note(end ? level(target, end->days) : Status::ok,
             pace->freed ? say(k_freed, words, format_size(*pace->freed)) : words);
    }

    Status level(const GrowthTarget& target, double days) {
        const Quantity left{days * k_day_ms, {}};
        const auto seconds = [](const std::optional<Amount>& threshold) {
            return threshold ? std::optional(threshold->value / 1000) : std::nullopt;
        };
        m_result.metrics.push_back({"full_in " + target.text, std::round(days * 86'400), "s",
                                    seconds(m_settings.full_in.warn), seconds(m_settings.full_in.critical),
                                    Metric::Bad::below});
        return judge_thresholds(left, m_settings.full_in, {}, Direction::runs_out, target.text, m_memory,
                                m_result.memory);
    }

    const GrowthSettings& m_settings;
    const Now& m_now;
    const std::map<std::string, std::string>& m_memory;
    std::vector<Line> m_lines;
    CheckResult m_result;
};

// ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────

GrowthSample unseen(Text why) {
    GrowthSample sample;
    sample.trouble = std::move(why);
    return sample;
}

GrowthSample unseen(const Error& error) {
    return unseen(say(k_unable, error_words(shorten(clean_line(error.message), 200))));
}

class GrowthCheck final : public BlockingCheck {
  public:
    explicit GrowthCheck(GrowthSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        const Result<std::vector<Mount>> mounts = context.world.host.mounts();
        std::vector<GrowthSample> samples;
        for (const GrowthTarget& target : m_settings.targets) {
            samples.push_back(mounts ? look(target, *mounts, context) : unseen(mounts.error()));
        }
        return evaluate_growth(samples, m_settings, context.now, context.memory);
    }

  private:
    static GrowthSample look(const GrowthTarget& target, const std::vector<Mount>& mounts,
                             const CheckContext& context) {
        if (target.kind == Kind::none) {
            return unseen(say(k_no_check));
        }
        if (target.kind == Kind::postgres) {
            return size_of_database(target, context);
        }
        if (const std::optional<Mount> mount = mount_that_may_hang(target.path, mounts)) {
            return unseen(say(k_may_hang, mount_name(*mount)));
        }
        const Result<DiskSpace> disk = context.world.host.disk(target.path);
        if (!disk) {
            return unseen(disk.error());
        }
        GrowthSample sample;
        if (target.kind == Kind::disk) {
            sample.size = Bytes{disk->total.count - std::min(disk->free, disk->total).count};
        } else if (target.kind == Kind::sqlite) {
            sample = size_of_database(target, context);
        } else if (is_due(target, context)) {
            sample = size_of_tree(target.path, context);
        }
        sample.room = disk->free;
        return sample;
    }

    // A folder is counted as often as a sample of it is kept, for that costs a look at each of its files.
    static bool is_due(const GrowthTarget& target, const CheckContext& context) {
        const auto kept = context.memory.find(k_sizes + target.text);
        return kept == context.memory.end() || GrowthTrack::from_text(kept->second).is_due(context.now);
    }

    static GrowthSample size_of_database(const GrowthTarget& target, const CheckContext& context) {
        const Result<Bytes> size = database_size(target, context);
        if (!size) {
            return unseen(size.error());
        }
        GrowthSample sample;
        sample.size = *size;
        return sample;
    }

    static GrowthSample size_of_tree(const Path& path, const CheckContext& context) {
        const Duration at_most = time_for(context, k_counting);
        const Result<TreeSize> tree =
            tree_size(path, context.world.clock, context.world.clock.steady() + at_most);
        if (!tree) {
            return tree.error().kind == ErrorKind::timeout ? unseen(say(k_late, format_duration(at_most)))
                                                           : unseen(tree.error());
        }
        if (tree->unread > 0) {
            return unseen(say(k_unread, tree->unread));
        }
        GrowthSample sample;
        sample.size = tree->size;
        return sample;
    }

    GrowthSettings m_settings;
};

} // namespace

std::vector<GrowthTarget> growth_targets(const std::vector<std::string>& of,
                                         const std::vector<CheckSettings>& checks) {
    std::vector<GrowthTarget> targets;
    for (const std::string& text : of) {
        GrowthTarget target;
        target.text = text;
        if (text.starts_with("check:")) {
            for (const CheckSettings& check : checks) {
                if (check.name == after_colon(text)) {
                    follow(target, check);
                }
            }
        } else {
            target.kind = text.starts_with("disk:") ? Kind::disk : Kind::files;
            target.path = after_colon(text);
        }
        targets.push_back(std::move(target));
    }
    return targets;
}

std::shared_ptr<const void> configured_growth(const CheckSettings& check,
                                              const std::vector<CheckSettings>& checks) {
    const auto settings =
        std::make_shared<GrowthSettings>(*static_cast<const GrowthSettings*>(check.settings.get()));
    settings->targets = growth_targets(settings->of, checks);
    settings->tells = check.common.severity != Severity::info;
    return settings;
}

Result<Bytes> database_size(const GrowthTarget& target, const CheckContext& context) {
    if (target.kind == Kind::sqlite) {
        const Result<FileInfo> info = context.world.files.info(target.path, Files::Follow::yes);
        return info ? Result<Bytes>(info->size) : info.error();
    }
    const SteadyTime until = context.world.clock.steady() + time_for(context, k_asking);
    Result<PostgresConnection> connection =
        PostgresConnection::at({target.url, target.sslmode, until}, context.world.clock);
    LECTIO_TRY(connection);
    const Result<std::vector<PostgresRow>> rows =
        connection->query("select pg_database_size(current_database())", 1);
    LECTIO_TRY(rows);
    const std::string text = rows->empty() || rows->front().empty() ? "" : rows->front().front().value_or("");
    const auto bytes = number_from<std::uint64_t>(text);
    return bytes ? Result<Bytes>(Bytes{*bytes})
                 : Error{ErrorKind::protocol, "the server does not say how large the database is"};
}

CheckResult evaluate_growth(const std::vector<GrowthSample>& samples, const GrowthSettings& settings,
                            const Now& now, const std::map<std::string, std::string>& memory) {
    Judging judging(settings, now, memory);
    for (std::size_t i = 0; i < settings.targets.size() && i < samples.size(); ++i) {
        judging.one(settings.targets[i], samples[i]);
    }
    return std::move(judging).finish();
}

CheckType growth_check_type() {
    return make_check_type<growth_schema, GrowthCheck>(
        k_growth_type, Layer::disk, Recheck::no,
        "when disks, databases and folders will be full; said in the daily summary (`severity` is \"info\" "
        "unless set)");
}

} // namespace lectio
