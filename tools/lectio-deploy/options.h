// The command line of lectio-deploy.
#pragma once

#include "cli/common_options.h"
#include "release/transaction.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace lectio::deploy {

enum class Wish {
    frontend,
    backend,
    full,
    rollback,
    plan,
    status,
    list,
    history,
    diff,
    recover,
    attach,
    adopt,
    cleanup,
    gate,
    doctor,
    pack
};

struct Options {
    CommonOptions common;
    Wish wish = Wish::status;
    std::string source; // frontend, plan, pack, full: a folder, an archive, "-"
    std::string code;   // backend, plan, full: the same; empty: git
    std::string ref;    // backend, plan, full: of git
    std::string part;   // plan, rollback, adopt: "frontend", "backend", "full" (plan); empty: what there is
    std::optional<std::string> id; // rollback --to, attach
    std::string before, after;     // diff
    bool force = false;
    bool maintenance = false;           // backend, full: visitors get a page while migrations are applied
    bool restore_database = false;      // rollback: the database goes back, too
    std::optional<Duration> accepted{}; // rollback: what was written for so long may be lost by it
    bool undo = false;                  // adopt
    bool boot = false;                  // recover: the machine is starting, nothing can be asked
    release::WordOnDatabase word{};     // recover: of the database, when it could not be put back in time
    std::string units;                  // gate: "web" or "workers"
    std::optional<std::int64_t> days{}; // cleanup: what is younger stays
    bool by_old_name = false;           // called as deploy_safe.sh: its exit codes (CONTRACT 24, 28)

    // systemd waits for us: the site comes up without us rather than not at all.
    [[nodiscard]] bool while_units_start() const { return boot || wish == Wish::gate; }
};

// The options, or the exit code with which to leave (help was printed, or usage was wrong).
std::variant<Options, int> parse_options(int argc, char** argv);
// What the script returned: 0 for released, also with a warning; else 1.
int exit_status_by_old_name(int status);

} // namespace lectio::deploy
