// Acknowledgements: an operator has seen an incident, and is not reminded of it until it gets worse (CONTRACT 11, 19).
//
// Whoever takes the operator's word (lectio-notify, the bot) leaves a file in state/acks; the tool whose incident it is
// takes it over in its next run.
#pragma once

#include "incidents/judge.h"
#include "store/drop_folder.h"

#include <string>
#include <vector>

namespace lectio {

struct Acknowledgement {
    std::string tool, incident;     // "health", its id
    Status level = Status::warning; // of the incident when it was acknowledged
    std::string by;
    WallTime time;
    std::string file = {}; // where it was read from
};

DropFolder acknowledgement_folder(Files& files, const Path& state);
// Durable on success.
Result<void> leave(DropFolder folder, const Acknowledgement& acknowledgement);
// Those that lie there for `tool`.
std::vector<Acknowledgement> left_for(const DropFolder& folder, std::string_view tool);

// Pure. What has become worse since is not acknowledged, and what is over needs it no more. A change that its check keeps
// as told (checks/accepted_change.h) is accepted instead: its incident ends with the next look, if nothing else changed.
void adopt(JudgeState& state, const std::vector<Acknowledgement>& acknowledgements);

} // namespace lectio
