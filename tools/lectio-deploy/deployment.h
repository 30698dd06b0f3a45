// What changes what is served: one at a time, told to the operator, followed by whoever attaches.
#pragma once

#include "session.h"

namespace lectio::deploy {

int release_frontend(Session& session);
int release_backend(Session& session);
int release_full(Session& session);
int roll_back(Session& session);
int recover(Session& session);
// Between a unit and its start (RELEASES_AND_BACKUPS section 4, "Fence gate"): returns when the site's code may run.
int pass_gate(Session& session);
int adopt(Session& session);
int clean_up(Session& session);
// What a release of this build would change.
int plan(Session& session);

} // namespace lectio::deploy
