// What a check and the operator say to each other of a change: a check whose failure is not a state but a change keeps
// under `told` in its memory which it was. Whoever acknowledges the incident accepts that change: `told` becomes
// `accepted` (incidents/acknowledgements.cpp), and the check compares with what is there now from then on.
#pragma once

namespace lectio {

constexpr const char* k_told_change = "told-change";
constexpr const char* k_accepted_change = "accepted-change";

} // namespace lectio
