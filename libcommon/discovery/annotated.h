// What discovery found, as a configuration that a person goes on with: `lectio-health init`.
#pragma once

#include "discovery/found_check.h"
#include "platform/files.h"

#include <optional>
#include <string>

namespace lectio {

struct Heading {
    Lang lang = Lang::ru;
    std::string when; // "2026-01-22"
    std::string host;
    // Goes behind a file that has these already and watches nothing yet: what `lectio-notify setup` has written, say.
    struct Behind {
        bool paths = false, channels = false;
    };
    std::optional<Behind> behind{};
};

// TOML with comments in `lang`: every check with why it is there, then the recovery that suggests itself, then a
// channel. The recovery is commented out: lines that begin with "#" and no blank are TOML once the "#" is gone.
// `files` tells who owns what is to be mended.
std::string annotated_config(const Discovered& discovered, const Heading& heading, Files& files);

// Where the secrets of a fresh configuration go: where those of the old suite are, if they are here.
Path env_file_for_secrets(Files& files, const Path& of_the_old_suite = "/opt/lectio-monitor/config.env",
                          const Path& otherwise = "/etc/lectio-monitor/config.env");

} // namespace lectio
