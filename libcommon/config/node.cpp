#include "config/node.h"

#include <algorithm>
#include <array>

namespace lectio {

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

std::string_view Node::type_name() const {
    constexpr std::array<std::string_view, 7> k_names{"true or false", "whole number", "number", "text",
                                                      "date",          "list",         "table"};
    return k_names.at(m_value.index());
}

void Node::set_expanded(std::string text, std::string unset_name) {
    m_written = std::move(std::get<std::string>(m_value));
    m_value = std::move(text);
    m_unset = std::move(unset_name);
}

void Problems::error(Position position, std::string message, std::string suggestion) {
    m_all.push_back({Problem::Severity::error, position, std::move(message), std::move(suggestion)});
}

void Problems::warning(Position position, std::string message) {
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
