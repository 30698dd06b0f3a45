// The secrets file: shell assignments as the bash suite's config.env has them, read and never executed.
#pragma once

#include "config/node.h"
#include "words/phrase.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// The value of a variable; nothing when it is not set.
using VariableLookup = std::function<std::optional<std::string>(const std::string& name)>;

struct EnvFile {
    std::map<std::string, std::string> values;
    struct Remark { // a line that is no assignment; what is left out
        std::uint32_t line = 0;
        Text message; // never quotes the line
    };
    std::vector<Remark> remarks;
};

// What `source` would set, without running anything: [export] NAME=value with '…', "…" (over lines, too),
// backslashes, comments, ; between assignments, and $NAME ${NAME} ${NAME:-…} of what was set before, or of
// `environment`. Blanks around = are taken as meant. Commands, and values with `…` or $(…), are left out with
// a remark. Values that may be secrets are registered for redact(): see holds_secret().
EnvFile parse_env_file(std::string_view text, const VariableLookup& environment);

// TOKEN, PASSWORD, SECRET, KEY, DSN, PIN … in the name.
bool sounds_secret(std::string_view name);

// Whether the value of this variable is masked wherever it would be shown. Nobody can know what K means, so a value
// counts as a secret unless its name or its form says otherwise: the wrong guess costs a few stars in a message,
// the other one a password.
//   - A name that sounds like a secret's: always.
//   - A name with HOST, PORT, EMAIL, USER, NAME, PATH, DIR, ID, SERVICE … : only a URL with a password or key in it.
//   - Any other name: from 6 characters on, but for numbers ("300", "512MB", "10.5"), paths, and URLs without user,
//     query or a part that looks like a key.
bool holds_secret(std::string_view name, std::string_view value);

// Replaces ${NAME} and ${NAME:-default} in every text of the tree; a default may hold references itself, one
// level deep. As in the shell, a default stands in for an empty value, too. What is set nowhere is marked on
// its Node and no problem; a malformed reference is one.
void expand_references(Node& root, const VariableLookup& lookup, Problems& problems);

// The variables whose values take part in what `text` stands for; none where only defaults do.
std::vector<std::string> variables_in(std::string_view text, const VariableLookup& lookup);

} // namespace lectio
