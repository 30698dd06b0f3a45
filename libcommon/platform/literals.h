// LiteralScanner: where any of a few words stands in much text, by Vectorscan (or Hyperscan), some gigabytes a second.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

class LiteralScanner {
    struct State;

  public:
    // `literals` without regard to the case of ASCII letters. The library is loaded by the first of all scanners; none:
    // it is not installed, or takes no such words (docs/decisions/0023).
    static std::unique_ptr<LiteralScanner> make(const std::vector<std::string>& literals);
    explicit LiteralScanner(std::unique_ptr<State> state); // for make()
    ~LiteralScanner();
    LiteralScanner(const LiteralScanner&) = delete;
    LiteralScanner& operator=(const LiteralScanner&) = delete;

    // Calls `found` with the offset behind each place, in ascending order, until it says no. False: it broke off by itself.
    bool scan(std::string_view text, const std::function<bool(std::size_t end)>& found) const;

  private:
    std::unique_ptr<State> m_state;
};

} // namespace lectio
