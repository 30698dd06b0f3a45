// Words that a run's report and the report of many runs share.
#pragma once

#include "checks/check.h"
#include "incidents/news.h"
#include "report/report.h"

#include <string>
#include <string_view>

namespace lectio {

inline constexpr Phrase k_nothing_checked{"nothing was checked", "ничего не проверено"};

// Four columns wide, and readable without colour: "ok  ", "WARN", "CRIT", "??  ", "-   ".
std::string_view status_mark(Status status);
// "all good", "warning", "broken", "could not look", "nothing was checked".
Text status_words(Status status);
// In the colour of its status, on a terminal.
std::string painted(std::string_view text, Status status, Paint paint);
// "restart on nginx.service: done (in 340 ms); works again: site"
Text deed_words(const Deed& deed);

} // namespace lectio
