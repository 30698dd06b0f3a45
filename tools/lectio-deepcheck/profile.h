// Profiles: what is expected of a host of a certain kind, as a configuration that comes with the suite. An audit takes
// their checks of hardening beside those of the host's own configuration.
#pragma once

#include "platform/files.h"
#include "words/phrase.h"

#include <string>
#include <variant>

namespace lectio::deepcheck {

// Where install.sh puts them: ../share/lectio-monitor/profiles beside the program's own folder.
Path profile_folder();

struct NoProfile {
    Text words; // "there is no profile "lektio"; did you mean lectio?"
};
// The file of a profile: `name` is that of one of `folder`, or a path (with a slash, or ending in .toml).
std::variant<Path, NoProfile> find_profile(Files& files, const Path& folder, const std::string& name);

} // namespace lectio::deepcheck
