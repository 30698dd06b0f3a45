// What a process may become.
#pragma once

#include "util/result.h"

namespace lectio {

// From now on no program that is started here gains rights by being executed (set-user-ID, file capabilities):
// prctl(2), PR_SET_NO_NEW_PRIVS. It cannot be taken back.
Result<void> forbid_new_privileges();

// The folder in which the running executable lies: its siblings are of the same version. Empty: unknown.
std::string own_folder();

} // namespace lectio
