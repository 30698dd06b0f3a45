// The pictures of the page, as SVG within it. Each says in words what it shows; colour is never the only sign.
#pragma once

#include "status/long_view.h"

#include <string>
#include <vector>

namespace lectio::status {

// "99.98%", never 100 for what was broken once; empty: nobody looked.
std::string share_words(const std::vector<DayCount>& days);
// "99.31%, broken 10 of 1440"
Text day_words(const DayCount& day);

// A bar a day. Good ones are of one height, one with a warning is shorter, of a broken one the lower part is of another
// colour and reaches below the line, of one that nobody looked at a tick is left.
std::string day_bars(const std::vector<std::string>& dates, const std::vector<DayCount>& days, Lang lang);
// What the bars mean, one sample each.
std::string bars_legend(Lang lang);

// Median and 95th percentile hour by hour, and in which hours it was broken.
std::string times_chart(const DayTimes& times, Lang lang);
// "32 ms"
std::string seconds_words(double seconds);

} // namespace lectio::status
