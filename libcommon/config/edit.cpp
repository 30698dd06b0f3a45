#include "config/edit.h"

#include "config/env_file.h"
#include "config/parse.h"
#include "platform/users.h"
#include "util/text.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

// "NAME=…", "export NAME=…", with the blanks that config/env_file.h takes as meant.
bool assigns(std::string_view line, std::string_view name) {
    constexpr std::string_view k_export = "export ";
    line = trim(line);
    if (line.starts_with(k_export)) {
        line = trim(line.substr(k_export.size()));
    }
    return line.starts_with(name) && trim(line.substr(name.size())).starts_with('=');
}

std::string_view line_end(std::string_view text) {
    return text.find("\r\n") == std::string_view::npos ? "\n" : "\r\n";
}

std::string ended(std::string_view text) {
    const bool open = !text.empty() && !text.ends_with('\n');
    return std::string(text) + std::string(open ? line_end(text) : "");
}

} // namespace

std::string with_variable(std::string_view env_file, std::string_view name, std::string_view value) {
    const std::string whole = ended(env_file);
    const std::string assignment = fmt::format("{}={}{}", name, value, line_end(env_file));
    std::size_t found = std::string::npos;
    std::size_t found_end = 0;
    for (std::size_t begin = 0; begin < whole.size();) {
        const std::size_t end = whole.find('\n', begin) + 1;
        if (assigns(std::string_view(whole).substr(begin, end - begin), name)) {
            found = begin;
            found_end = end;
        }
        begin = end;
    }
    return found == std::string::npos ? whole + assignment
                                      : whole.substr(0, found) + assignment + whole.substr(found_end);
}

std::string with_table(std::string_view configuration, std::string_view table) {
    const std::string_view end = line_end(configuration);
    std::string lines(table);
    if (end == "\r\n") {
        for (std::size_t at = lines.find('\n'); at != std::string::npos; at = lines.find('\n', at + 2)) {
            lines.replace(at, 1, end);
        }
    }
    return configuration.empty() ? lines : ended(configuration) + std::string(end) + lines;
}

Result<void> replace_file(Files& files, const Path& file, const std::string& text, mode_t mode) {
    const Result<FileInfo> info = files.info(file, Files::Follow::no);
    if (info) {
        if (info->type != FileInfo::Type::regular || info->owner != effective_user()) {
            return Error{ErrorKind::permission,
                         fmt::format("{} is a link, or another user's", file.string())};
        }
        mode = info->mode;
    }
    return write_atomically(files, file, text, mode);
}

Result<void> set_variables(Files& files, const Path& env_file,
                           const std::map<std::string, std::string>& values) {
    constexpr mode_t k_folder_mode = 0755;
    constexpr mode_t k_secrets_mode = 0600;
    LECTIO_TRY(files.make_folders(env_file.parent_path(), k_folder_mode));
    std::string before;
    if (Result<std::string> text = files.read(env_file, k_config_size); text) {
        before = *std::move(text);
    } else if (text.error().kind != ErrorKind::not_found) {
        return text.error();
    }
    const auto nothing = [](const std::string&) { return std::nullopt; };
    std::map<std::string, std::string> expected = parse_env_file(before, nothing).values;
    std::string after = before;
    for (const auto& [name, value] : values) {
        after = with_variable(after, name, value);
        expected[name] = value;
    }
    if (parse_env_file(after, nothing).values != expected) {
        return Error{ErrorKind::invalid, fmt::format("{} would not be read as meant", env_file.string())};
    }
    return replace_file(files, env_file, after, k_secrets_mode);
}

} // namespace lectio
