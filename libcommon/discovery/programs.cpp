#include "discovery/programs.h"

#include "util/text.h"

#include <algorithm>
#include <array>

namespace lectio {
namespace {

using Role = Program::Role;

struct Known {
    std::string_view name;
    Role role;
};
constexpr std::array k_known{
    Known{"nginx", Role::web},
    Known{"caddy", Role::web},
    Known{"apache2", Role::web},
    Known{"httpd", Role::web},
    Known{"haproxy", Role::web},
    Known{"traefik", Role::web},
    Known{"lighttpd", Role::web},
    Known{"gunicorn", Role::application},
    Known{"uvicorn", Role::application},
    Known{"hypercorn", Role::application},
    Known{"daphne", Role::application},
    Known{"granian", Role::application},
    Known{"uwsgi", Role::application},
    Known{"puma", Role::application},
    Known{"php-fpm", Role::application},
    Known{"celery", Role::queue},
    Known{"sidekiq", Role::queue},
    Known{"rqworker", Role::queue},
    Known{"beam.smp", Role::queue}, // RabbitMQ
    Known{"redis-server", Role::database},
    Known{"valkey-server", Role::database},
    Known{"keydb-server", Role::database},
    Known{"postgres", Role::database},
    Known{"mariadbd", Role::database},
    Known{"mysqld", Role::database},
    Known{"mongod", Role::database},
    Known{"memcached", Role::database},
    Known{"dockerd", Role::containers},
};

std::string_view file_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

bool is_interpreter(std::string_view word) {
    const std::string_view name = file_name(word);
    return name.starts_with("python") || name.starts_with("uwsgi-python") || name == "ruby" || name == "uv";
}

// The program in "nginx: master process …", "/usr/bin/python3 -u -m celery …", "php-fpm8.2", "gunicorn: master […]".
std::string_view name_in(const std::vector<std::string>& words) {
    std::size_t at = 0;
    if (is_interpreter(words[0])) {
        at = 1;
        while (at < words.size() && words[at].starts_with('-') && words[at] != "-m") {
            ++at;
        }
        at += at < words.size() && words[at] == "-m" ? 1 : 0;
    }
    if (at >= words.size()) {
        return {};
    }
    std::string_view name = file_name(words[at]);
    name = name.substr(0, name.find(':'));
    return name.starts_with("php-fpm") ? name.substr(0, 7) : name;
}

// Forms that a server's children give themselves.
bool is_helper(std::string_view command_line) {
    constexpr std::array<std::string_view, 4> k_helpers{"nginx: worker", "nginx: cache", "gunicorn: worker",
                                                        "php-fpm: pool"};
    return command_line.starts_with("postgres: ") ||
           std::any_of(k_helpers.begin(), k_helpers.end(),
                       [&](std::string_view helper) { return command_line.starts_with(helper); });
}

bool has_word(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

// `celery inspect ping` and the like are over in a second.
bool stays(const Program& program) {
    return program.name != "celery" || has_word(program.words, "worker") || has_word(program.words, "beat");
}

bool is_module_name(std::string_view text) {
    return !text.empty() &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") ==
               std::string_view::npos &&
           (text[0] < '0' || text[0] > '9') && text[0] != '.';
}

} // namespace

std::optional<Program> program_of(std::string_view command_line) {
    Program program;
    for (const std::string_view word : split(command_line, ' ')) {
        if (!word.empty()) {
            program.words.emplace_back(word);
        }
    }
    if (program.words.empty() || is_helper(command_line)) {
        return std::nullopt;
    }
    const std::string_view name = name_in(program.words);
    const auto known =
        std::find_if(k_known.begin(), k_known.end(), [&](const Known& each) { return each.name == name; });
    if (known == k_known.end()) {
        return std::nullopt;
    }
    program.name = known->name;
    program.role = known->role;
    return stays(program) ? std::optional(std::move(program)) : std::nullopt;
}

std::string option_value(const std::vector<std::string>& words,
                         std::initializer_list<std::string_view> names) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        for (const std::string_view name : names) {
            const bool is_long = name.starts_with("--");
            if (word == name) {
                return i + 1 < words.size() ? words[i + 1] : std::string();
            }
            if (word.starts_with(name) && (!is_long || word[name.size()] == '=')) {
                return word.substr(name.size() + (is_long ? 1 : 0));
            }
        }
    }
    return {};
}

std::string application_module(const Program& program) {
    if (program.name == "celery") {
        const std::string app = option_value(program.words, {"-A", "--app"});
        return is_module_name(app) ? app : std::string();
    }
    if (program.role != Role::application || program.words.size() < 2) {
        return {};
    }
    // "module:object" is no option's value. Without the colon the module is the last word, and has a dot.
    for (const std::string& word : program.words) {
        const std::size_t colon = word.find(':');
        if (colon != std::string::npos && is_module_name(word.substr(0, colon)) &&
            is_module_name(word.substr(colon + 1))) {
            return word.substr(0, colon);
        }
    }
    const std::string& last = program.words.back();
    return is_module_name(last) && last.find('.') != std::string::npos ? last : std::string();
}

} // namespace lectio
