#include "pipeline/finished_run.h"

#include "config/config.h"
#include "pipeline/tool_state.h"
#include "platform/users.h"
#include "words/error_words.h"

namespace lectio {

void remember_finished_run(ToolSession& session, const std::string& tool) {
    const Paths& paths = session.config().paths;
    StateKeeper keeper(session.world().files, paths.state / tool, paths.run / (tool + "-state"), "/dev/shm",
                       effective_user());
    ToolState state = keeper.load(session.now(), StateFile::Access::owner).state;
    state.finished = session.world().clock.now();
    const StateKeeper::SaveResult saved = keeper.save(state);
    if (saved.problem) {
        session.say_aside(error_words(saved.problem->message));
    }
}

} // namespace lectio
