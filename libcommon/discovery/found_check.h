// What discovery found, in the form of the checks that follow from it; and how that is kept from run to run.
#pragma once

#include "platform/clock.h"
#include "words/phrase.h"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectio {

// A value as TOML writes it, on one line. What is not UTF-8 is replaced.
std::string toml_text(std::string_view text);
std::string toml_list(const std::vector<std::string>& texts);

struct FoundCheck {
    std::string name;  // CONTRACT 8; unique once give_names() has been there
    std::string about; // what it is of, the same in each run: "unit nginx.service", "site example.org"
    std::string type;  // of the check
    std::vector<std::pair<std::string, std::string>> keys; // values as TOML
    std::vector<std::string> needs; // `about` of others; those that are not there do not count
    Text why;                       // from what it was concluded; one line

    // What was asked of a running service when it was first seen (does it answer 200?) is not asked again.
    bool settled = true;
    // What is gone later: a fault to be told of (a service that has stopped), or somebody's wish (a name that is no
    // longer in nginx's configuration).
    enum class Gone { fault, wish } gone = Gone::fault;
    WallTime last_seen{}; // up to an hour too early: not every run has something to write
    bool operator==(const FoundCheck&) const = default;
};

struct Discovered {
    std::vector<FoundCheck> checks;
    std::vector<Text> missed; // what could not be looked at; of this look alone
    [[nodiscard]] const FoundCheck* find(std::string_view about) const;
};

// What is seen now, and of what was known that which is gone for less than a week without anybody's wish.
// `is_meant`: whether something that is gone was taken away on purpose; asked only of what is not seen.
Discovered remember(const Discovered& known, Discovered seen, WallTime now,
                    const std::function<bool(const FoundCheck&)>& is_meant);

// Gives each check its name: the one it had, or the one it asks for in `name`, made valid and unique.
void give_names(Discovered& seen, const Discovered& known);
// "Postgresql@15-main.service" → "postgresql-15-main-service"; never empty.
std::string name_from(std::string_view text);

std::string to_json(const Discovered& discovered);
// Tolerant: what is odd is left out. It is a host's own memory, but no text in it can become more than one line.
Discovered discovered_from_json(std::string_view text);

} // namespace lectio
