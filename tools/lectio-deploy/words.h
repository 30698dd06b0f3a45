// How an outcome is said: on the terminal, for programs, to the operator's phone, and as an exit code.
#pragma once

#include "alerts/message.h"
#include "release/shelf.h"
#include "release/transaction.h"

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace lectio::deploy {

// CONTRACT 28.
int exit_status(const release::Outcome& outcome);
Text words_of(const release::Outcome& outcome);
// {deploy: {result, release, previous, with, phase, reason, duration_ms, warnings}} (CONTRACT 26)
nlohmann::json fields_of(const release::Outcome& outcome, Lang lang);

// What the operator is told. `what_changed`: of a release, against the one before; may be empty.
Message message_of(const release::Outcome& outcome, const std::string& by, const Text& what_changed,
                   const std::string& host, WallTime now, Lang lang);

// "12 files changed, 3 new, 2 gone; 4.5 MB"
Text words_of(const TreeDifference& difference, Bytes size);

} // namespace lectio::deploy
