// lectio-smoke setup-users: the accounts that the logins need, made or repaired through the site's own manage.py.
#pragma once

#include "options.h"
#include "platform/world.h"

namespace lectio::smoke {

// Says what it did; may be called again and again. Returns the process's exit status: 0 they are as they should be,
// 2 some are not, 77 needs rights, 78 [smoke.users] or the logins are not set up.
int setup_users(const Options& options, World world);

} // namespace lectio::smoke
