// What a run leaves in its tool's log and in alerts.log, for who looks in the morning: incidents that changed, what was
// done, what is not good, and a closing line. In the words and the language of the reports.
#pragma once

#include "alerts/delivery.h"
#include "incidents/judge.h"
#include "pipeline/pipeline.h"
#include "report/log.h"

#include <vector>

namespace lectio {

class RunLog {
  public:
    // `job` outlives this.
    RunLog(World& world, const Job& job);

    // From this one of its changes on.
    void changes(const Judgement& judgement, std::size_t from = 0);
    void deeds(const std::vector<Deed>& deeds);
    void alerts(const std::vector<AlertLine>& lines);
    void stopped_by(int signal);
    void closing(const std::vector<Verdict>& verdicts, const std::vector<Text>& quiet, Duration took);

    // Writes what was said. A log that cannot be written stops nothing: a note for each says why.
    std::vector<Text> flush();

  private:
    void say_now(LogLevel level, const Text& words);

    World& m_world;
    const Job& m_job;
    Log m_log, m_alert_log;
};

} // namespace lectio
