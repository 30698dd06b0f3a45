// Following a deploy that another process runs.
#pragma once

#include "session.h"

namespace lectio::deploy {

int attach(Session& session);

} // namespace lectio::deploy
