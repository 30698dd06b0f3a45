// Finding, reading and remembering configurations (CONTRACT 1, 2, 4, 5).
#pragma once

#include "config/config.h"
#include "discovery/discover.h"
#include "platform/world.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lectio {

// discover(), or nothing: only a tool that runs checks brings it, and its code, along.
using Discovery = Discovered (*)(World& world, const Discovered& known, const DiscoverRequest& request);

// Where a configuration may come from. The defaults are the host's; tests put their own.
struct ConfigRequest {
    std::optional<std::string> file;                                           // -c, as given
    std::function<std::optional<std::string>(const std::string&)> environment; // getenv; LECTIO_CONFIG too
    Kinds kinds;
    std::vector<Path> usual_files{"/etc/lectio-monitor/config.toml", "/opt/lectio-monitor/config.toml"};
    Path usual_env_file{"/opt/lectio-monitor/config.env"};
    Path usual_state{
        "/var/lib/lectio-monitor"}; // where a usual file that is gone has left its last good copy
    Discovery discovery = nullptr;  // looks for checks where no configuration names any
};

struct LoadedConfig {
    enum class Use {
        present,   // the configuration as it is
        last_good, // it does not load: the last that did. Exit code 78 whatever the checks say
        telling,   // neither: only lang, host, paths, alerts and channels may be used, to tell. Exit code 78
        nothing,   // it could not be read at all
    };
    Use use = Use::nothing;
    Config config;
    Problems problems;       // errors when use != present; also warnings
    std::string file;        // what the problems' positions are in, as given
    std::string fingerprint; // of the content that did not load: the problem is told once for each
    std::string text;        // what keep_last_good() keeps; empty: nothing
    std::string discovered;  // what keep_discovered() keeps; empty: nothing
    Path copy_of_gone;       // the file is not there any more, this copy of it is in use; empty: no such case
    bool names_no_checks = false; // discover_checks() is to find them
    bool needs_rights = false;    // it, or its env file, is there, but not for us to read: exit code 77

    [[nodiscard]] bool ok() const { return use == Use::present; }
};

// never: --check-config, which also warns of what the configuration names and this host does not have.
enum class LastGood { never, fall_back };

// Reads; it does not look for checks.
LoadedConfig load_config(World& world, const ConfigRequest& request, LastGood last_good);

// Where no configuration names any checks: puts in what discovery finds. It looks at much of the host, by paths that
// others have written: the lock is taken and the deadline of the run is set before.
void discover_checks(World& world, const ConfigRequest& request, LoadedConfig& loaded);

// Keeps a configuration that loaded in paths.state (its text, with references instead of secrets), if it is
// not the one kept already. Never called with --dry-run.
Result<void> keep_last_good(Files& files, const LoadedConfig& loaded);

// Keeps in paths.state what discovery has found: a server that has stopped listening is just what is to be
// told. It is watched until a configuration says what to watch, or for a week. Never called with --dry-run.
Result<void> keep_discovered(Files& files, const LoadedConfig& loaded);

// What discovery finds on this host, with what earlier runs have kept in `state`; for `init`, which has `nginx -T`
// at hand.
Discovered discover_for(World& world, Discovery discovery, const Kinds& kinds, const Path& state,
                        std::optional<std::string> nginx_dump);

// The language that mistakes are told in before a configuration is loaded: what the file that would be taken asks
// for, however broken it is; what its last good copy asked for; or Russian.
Lang configured_language(Files& files, const ConfigRequest& request);

// One line a problem: "FILE:LINE:COLUMN: message", warnings with "warning: " in any language (CONTRACT 2 and 3:
// editors read that form). Secrets are masked.
Text problem_lines(const LoadedConfig& loaded);

} // namespace lectio
