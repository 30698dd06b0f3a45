// lectio-deploy doctor: what will hurt a deploy on this host, each with the line that mends it.
#pragma once

#include "session.h"

namespace lectio::deploy {

// 0 nothing, 1 something that may, 2 a deploy is refused or does harm (CONTRACT 28).
int doctor(Session& session);

} // namespace lectio::deploy
