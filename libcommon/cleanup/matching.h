// What the files of a rule have in common, whatever becomes of them.
#pragma once

#include "cleanup/deed.h"
#include "cleanup/untouchable.h"
#include "platform/matched_files.h"

#include <functional>
#include <string>

namespace lectio::cleanup {

// Each file that the pattern matches, while the sweep may go on. A folder that is not there holds none; one that cannot be
// looked into is a deed of `rule` that failed.
void for_each_match(const std::string& rule, const std::string& pattern, const OpenFiles& open, Sweep& sweep,
                    const std::function<void(const MatchedFiles& files, const MatchedFile& file)>& each);

// Why it stays.
Text in_use_words(const MatchedFile& file);
Text untouchable_words();
// The deed has failed; what has only changed meanwhile is wanted, and looked at again in an hour.
void failed(Deed& deed, const Error& error);

} // namespace lectio::cleanup
