// PastRuns: the history read back. Changes nothing, waits for nobody who writes, and sees one moment throughout.
#pragma once

#include "store/history.h"
#include "store/history_format.h"

#include <functional>
#include <map>

namespace lectio {

// What a check said in one run. The form lives as long as the PastRuns.
struct PastLook {
    const LookForm* form = nullptr;
    LookFigures figures;
    [[nodiscard]] RecordedLook whole() const { return put_together(*form, figures); }
};

struct PastRun {
    std::int64_t id = 0; // counts up with every recorded run, also when the clock jumps back
    std::string tool;
    Now started;
    std::chrono::microseconds took{};
    int status = 0, exit_code = 0;
    bool partial = false;
    std::string quiet;
    std::vector<PastLook> looks, after_healing;
};

// Runs that began from `from` on and before `until`; of one tool, or of all with "".
struct Period {
    WallTime from{}, until = WallTime::max();
    std::string tool{};
};

template<class T>
struct AtTime {
    std::int64_t run = 0;
    WallTime time; // the start of that run
    T what;
};

class PastRuns {
  public:
    // not_found: nothing was ever recorded; permission; invalid: damaged, or written by a newer version.
    static Result<PastRuns> at(Files& files, Clock& clock, const HistoryPlace& place, SteadyTime deadline);

    // In the order in which they were recorded. Runs whose record is damaged are left out.
    Result<void> each(const Period& period, const std::function<void(const PastRun&)>& look);
    // The beginnings alone, which is quick.
    Result<std::vector<WallTime>> beginnings(const Period& period);
    Result<std::vector<AtTime<RecordedEvent>>> events(const Period& period);
    Result<std::vector<AtTime<RecordedDeed>>> deeds(const Period& period);
    // Of all checks of a tool that were ever recorded.
    Result<std::vector<std::string>> names(const std::string& tool);

  private:
    explicit PastRuns(Database database) : m_database(std::move(database)) {}
    Result<void> load_forms();
    Result<Statement> select(std::string_view sql, const Period& period, std::string_view order);
    bool read_looks(std::string_view bytes, PastRun& run) const;
    std::optional<std::vector<PastLook>> read_list(Unpacker& bytes) const;

    Database m_database;
    std::map<std::int64_t, LookForm> m_forms;
    std::map<std::int64_t, std::string> m_boots;
};

} // namespace lectio
