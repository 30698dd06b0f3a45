// Words that a run's report and the report of many runs share.
#pragma once

#include "checks/check.h"
#include "incidents/news.h"

#include <string_view>

namespace lectio {

inline constexpr Phrase k_nothing_checked{"nothing was checked", "ничего не проверено"};

// Four columns wide, and readable without colour: "ok  ", "WARN", "CRIT", "??  ", "-   ".
std::string_view status_mark(Status status);
// "restart on nginx.service: done (in 340 ms); works again: site"
Text deed_words(const Deed& deed);

} // namespace lectio
