// Temporary files and folders that nobody wants any more: [cleanup] temp.
#pragma once

#include "cleanup/deed.h"
#include "cleanup/untouchable.h"
#include "config/cleanup.h"
#include "platform/matched_files.h"

namespace lectio::cleanup {

// Why a file that the pattern matches stays; empty: the rule names it. Pure.
enum class Stays { no, too_young, too_small, in_use, untouchable };
Stays why_stays(const MatchedFile& file, const TempRule& rule, const Untouchable& untouchable, WallTime now);

void clean_temp(const TempRule& rule, const OpenFiles& open, const Untouchable& untouchable, Sweep& sweep);

} // namespace lectio::cleanup
