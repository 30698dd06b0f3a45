#include "config/missing.h"

#include "platform/files.h"
#include "platform/services.h"
#include "platform/unit_name.h"
#include "platform/users.h"
#include "util/text.h"

#include <array>
#include <string>

namespace lectio {
namespace {

constexpr Duration k_unit_timeout{1000};

constexpr Phrase k_no_path{"there is no file or folder {} on this host",
                           "на этом сервере нет файла или папки {}"};
constexpr Phrase k_no_program{"there is no program {} on this host", "на этом сервере нет программы {}"};
constexpr Phrase k_no_user{"there is no user {} on this host", "на этом сервере нет пользователя {}"};
constexpr Phrase k_no_owner{"there is no user or group {} on this host",
                            "на этом сервере нет пользователя или группы {}"};
constexpr Phrase k_no_unit{"there is no unit {} on this host", "на этом сервере нет юнита {}"};

enum class Kind { path, program, user, owner, unit };

// The keys of checks, recoveries and the smoke test that name something of the host.
struct Naming {
    std::string_view key;
    Kind kind;
};
constexpr std::array k_namings{
    Naming{"path", Kind::path},        Naming{"root", Kind::path},       Naming{"ca", Kind::path},
    Naming{"client_cert", Kind::path}, Naming{"client_key", Kind::path}, Naming{"manage", Kind::path},
    Naming{"python", Kind::program},   Naming{"command", Kind::program}, Naming{"test", Kind::program},
    Naming{"user", Kind::user},        Naming{"reader", Kind::user},     Naming{"owner", Kind::owner},
    Naming{"unit", Kind::unit}};

bool is_absent(const Error& error) {
    return error.kind == ErrorKind::not_found;
}

class Search {
  public:
    Search(World& world, Problems& problems) : m_world(world), m_problems(problems) {}

    void look_in(const Node& table) {
        for (const Naming& naming : k_namings) {
            const Node* value = table.find(naming.key);
            if (value != nullptr && value->get<Node::Array>() != nullptr) { // a command
                value = first_of(*value);
            }
            const auto* text = value != nullptr ? value->get<std::string>() : nullptr;
            if (text == nullptr || text->empty() || !value->unset().empty()) {
                continue;
            }
            if (is_missing(naming.kind, *text)) {
                // A value from a variable is quoted as it was written.
                const std::string& shown = value->written().empty() ? *text : value->written();
                m_problems.warning(value->position(), say(words_of(naming.kind), clean_line(shown)));
            }
        }
    }

  private:
    static const Node* first_of(const Node& list) {
        const auto* items = list.get<Node::Array>();
        return items == nullptr || items->empty() ? nullptr : &items->front();
    }

    static const Phrase& words_of(Kind kind) {
        switch (kind) {
        case Kind::path:
            return k_no_path;
        case Kind::program:
            return k_no_program;
        case Kind::user:
            return k_no_user;
        case Kind::owner:
            return k_no_owner;
        case Kind::unit:
            break;
        }
        return k_no_unit;
    }

    bool is_missing(Kind kind, const std::string& text) {
        switch (kind) {
        case Kind::path:
        case Kind::program:
            return is_missing_path(text);
        case Kind::user:
            return was_not_found(find_user(text));
        case Kind::owner:
            return was_not_found(find_owner(text));
        case Kind::unit:
            break;
        }
        return is_missing_unit(text);
    }

    template<class T>
    static bool was_not_found(const Result<T>& found) {
        return !found && is_absent(found.error());
    }

    // A relative one is searched for by whoever uses it.
    bool is_missing_path(const std::string& text) {
        return text.starts_with('/') && was_not_found(m_world.files.info(text, Files::Follow::yes));
    }

    bool is_missing_unit(const std::string& name) {
        if (!m_systemd_answers) {
            return false;
        }
        const Result<UnitState> unit = m_world.services.unit(full_unit_name(name), k_unit_timeout);
        m_systemd_answers = unit.ok(); // or else each unit would be waited for
        return unit && unit->load_state == "not-found";
    }

    World& m_world;
    Problems& m_problems;
    bool m_systemd_answers = true;
};

} // namespace

void warn_of_missing(const Node& root, World& world, Problems& problems) {
    Search search(world, problems);
    const Node* health = root.find("health");
    for (const Node* section : {health, root.find("deepcheck")}) {
        const Node* checks = section != nullptr ? section->find("check") : nullptr;
        if (const auto* table = checks != nullptr ? checks->get<Node::Table>() : nullptr) {
            for (const Member& member : *table) {
                search.look_in(member.value.front());
            }
        }
    }
    const Node* smoke = root.find("smoke");
    for (const Node* table : {smoke, smoke != nullptr ? smoke->find("users") : nullptr}) {
        if (table != nullptr) {
            search.look_in(*table);
        }
    }
    const Node* rungs = health != nullptr ? health->find("recovery") : nullptr;
    if (const auto* list = rungs != nullptr ? rungs->get<Node::Array>() : nullptr) {
        for (const Node& rung : *list) {
            search.look_in(rung);
        }
    }
    problems.sort();
}

} // namespace lectio
