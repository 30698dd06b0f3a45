#include "config/node.h"

#include <algorithm>
#include <array>

namespace lectio {
namespace {

constexpr std::array k_type_names{Phrase{"true or false", "true или false"},
                                  Phrase{"whole number", "целое число"},
                                  Phrase{"number", "число"},
                                  Phrase{"text", "текст"},
                                  Phrase{"date", "дата"},
                                  Phrase{"list", "список"},
                                  Phrase{"table", "таблица"}};

} // namespace

Node::Node() : m_value(Table{}) {}

Node::Node(Value value, Position position) : m_value(std::move(value)), m_position(position) {}

const Node* Node::find(std::string_view key) const {
    const Member* found = member(key);
    return found != nullptr ? &found->value.front() : nullptr;
}

const Member* Node::member(std::string_view key) const {
    const auto* table = get<Table>();
    if (table == nullptr) {
        return nullptr;
    }
    for (const Member& member : *table) {
        if (member.key == key) {
            return &member;
        }
    }
    return nullptr;
}

Text Node::type_name() const {
    return say(k_type_names.at(m_value.index()));
}

void Node::set_expanded(std::string text, std::string unset_name) {
    m_written = std::move(std::get<std::string>(m_value));
    m_value = std::move(text);
    m_unset = std::move(unset_name);
}

void Problems::error(Position position, Text message, std::string suggestion) {
    m_all.push_back({Problem::Severity::error, position, std::move(message), std::move(suggestion)});
}

void Problems::warning(Position position, Text message) {
    m_all.push_back({Problem::Severity::warning, position, std::move(message), {}});
}

bool Problems::has_errors() const {
    return std::any_of(m_all.begin(), m_all.end(),
                       [](const Problem& problem) { return problem.severity == Problem::Severity::error; });
}

void Problems::sort() {
    std::stable_sort(m_all.begin(), m_all.end(),
                     [](const Problem& a, const Problem& b) { return a.position < b.position; });
}

} // namespace lectio
