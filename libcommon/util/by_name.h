// ByName: the items of a list by their `name`, where many are asked for one after the other.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

namespace lectio {

// The items stay where they are and must outlive this. Of several with one name the first is found.
template<class Item>
class ByName {
  public:
    explicit ByName(const std::vector<Item>& items) {
        m_places.reserve(items.size());
        for (const Item& item : items) {
            m_places.emplace(item.name, &item);
        }
    }
    [[nodiscard]] const Item* find(std::string_view name) const {
        const auto found = m_places.find(name);
        return found == m_places.end() ? nullptr : found->second;
    }

  private:
    std::unordered_map<std::string_view, const Item*> m_places;
};

} // namespace lectio
