#include "profile.h"

#include "cli/guess.h"
#include "platform/privileges.h"
#include "util/text.h"

#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lectio::deepcheck {
namespace {

constexpr Phrase k_none{"there is no profile \"{}\" (there are {})", "нет профиля «{}» (есть {})"};
constexpr Phrase k_none_installed{"there is no profile \"{}\": {} holds none; give the path of one",
                                  "нет профиля «{}»: в {} их нет; укажите путь к файлу"};
constexpr Phrase k_no_file{"there is no profile {}", "нет профиля {}"};
constexpr std::string_view k_extension = ".toml";

bool is_path(const std::string& name) {
    return name.find('/') != std::string::npos || name.ends_with(k_extension);
}

std::vector<std::string> names_in(Files& files, const Path& folder) {
    std::vector<std::string> names;
    for (const std::string& file : files.list(folder).value_or({})) {
        if (file.ends_with(k_extension) && !file.starts_with('.')) {
            names.push_back(file.substr(0, file.size() - k_extension.size()));
        }
    }
    return names;
}

} // namespace

Path profile_folder() {
    return Path(own_folder()).parent_path() / "share" / "lectio-monitor" / "profiles";
}

std::variant<Path, NoProfile> find_profile(Files& files, const Path& folder, const std::string& name) {
    const Path path = is_path(name) ? Path(name) : folder / (name + std::string(k_extension));
    if (files.info(path, Files::Follow::yes)) {
        return path;
    }
    const std::string shown = shorten(clean_line(name), 100);
    if (is_path(name)) {
        return NoProfile{say(k_no_file, shown)};
    }
    const std::vector<std::string> names = names_in(files, folder);
    if (names.empty()) {
        return NoProfile{say(k_none_installed, shown, folder.string())};
    }
    const Text none = say(k_none, shown, fmt::format("{}", fmt::join(names, ", ")));
    const Text meant = did_you_mean(name, names);
    return NoProfile{meant.empty() ? none : join("; ", {none, meant})};
}

} // namespace lectio::deepcheck
