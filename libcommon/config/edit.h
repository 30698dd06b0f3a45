// Small changes to files that people wrote: everything else in them stays as it is, comments and order too.
#pragma once

#include "platform/files.h"
#include "util/result.h"

#include <map>
#include <string>
#include <string_view>

namespace lectio {

// The text of an env file in which NAME has this value: in the last line that assigns it, or in a new one at the end.
// `value` holds nothing that a shell would interpret: letters, digits, : _ - and the like.
std::string with_variable(std::string_view env_file, std::string_view name, std::string_view value);

// The text of a configuration with a table at its end, apart by an empty line.
std::string with_table(std::string_view configuration, std::string_view table);

// Puts a text in the place of a file, with the mode that it had or else `mode`. A new file would belong to us: a link,
// and what belongs to another user, is not replaced (permission).
Result<void> replace_file(Files& files, const Path& file, const std::string& text, mode_t mode);

// The variables with these values in an env file, which is made where there is none, for its owner alone. Where the
// file would not be read as meant (an odd line, a value that a shell interprets): invalid, and it stays as it is.
Result<void> set_variables(Files& files, const Path& env_file,
                           const std::map<std::string, std::string>& values);

} // namespace lectio
