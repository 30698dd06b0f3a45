// The judge's part of a state that has been read as JSON already.
#pragma once

#include "incidents/judge.h"
#include "util/json_rows.h"

#include <nlohmann/json_fwd.hpp>

namespace lectio {

// As judge_state_from_json(): its text is most of a state file, which would else be printed and read once more.
// `rows`: the checks that are missing in `json`.
LoadedJudgeState judge_state_from(const nlohmann::json& json, const JsonRows* rows = nullptr);

} // namespace lectio
