// Following a deploy that another process runs.
#pragma once

#include "session.h"

#include <vector>

namespace lectio::deploy {

// Of all kinds, the oldest first.
Result<std::vector<release::Shelf::Past>> deploys_of(Session& session);

int attach(Session& session);

} // namespace lectio::deploy
