#include "platform/literals.h"

#include "platform/loaded_library.h"
#include "util/text.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include <hs/hs.h>

namespace lectio {
namespace {

// ── libhs, loaded when much is to be read ───────────────────────────────────────────────────────────────────

#define LECTIO_LIBHS(use)                                                                                    \
    use(hs_compile_lit_multi) use(hs_free_compile_error) use(hs_free_database) use(hs_alloc_scratch)         \
        use(hs_free_scratch) use(hs_scan) use(hs_valid_platform)

struct Libhs {
    LECTIO_LIBHS(LECTIO_FUNCTION)
    bool usable = false;
};

Libhs load_libhs() {
    Libhs table;
    LoadedLibrary library("libhs.so.5");
    LECTIO_LIBHS(LECTIO_FIND)
    table.usable =
        library.lacking() == nullptr && table.hs_valid_platform() == HS_SUCCESS; // SSSE3 or SSE4.2 at least
    return table;
}

const Libhs& libhs() {
    static const Libhs loaded = load_libhs();
    return loaded;
}

using Found = std::function<bool(std::size_t)>;

int hand_on(unsigned, unsigned long long, unsigned long long to, unsigned, void* found) {
    return (*static_cast<const Found*>(found))(static_cast<std::size_t>(to)) ? 0 : 1;
}

// Vectorscan 5.4.9 (Debian 12) finds some pairs of literals ("error", "warning") not where they stand between 4 and 32 bytes
// before the end of a text (measured with AVX2 and AVX-512): just where a log has its newest line.
constexpr std::size_t k_by_hand = 128;

bool one_ends_at(const std::vector<std::string>& literals, std::string_view text) {
    return std::any_of(literals.begin(), literals.end(), [&](const std::string& literal) {
        return text.size() >= literal.size() &&
               to_lower_ascii(text.substr(text.size() - literal.size())) == literal;
    });
}

} // namespace

struct LiteralScanner::State {
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        libhs().hs_free_scratch(scratch);
        libhs().hs_free_database(database);
    }

    std::vector<std::string> literals; // in small letters
    hs_database_t* database = nullptr;
    hs_scratch_t* scratch = nullptr;
};

LiteralScanner::LiteralScanner(std::unique_ptr<State> state) : m_state(std::move(state)) {}
LiteralScanner::~LiteralScanner() = default;

std::unique_ptr<LiteralScanner> LiteralScanner::make(const std::vector<std::string>& literals) {
    if (literals.empty() || !libhs().usable) {
        return nullptr;
    }
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string& literal : literals) {
        texts.push_back(literal.data());
        sizes.push_back(literal.size());
    }
    const std::vector<unsigned> flags(literals.size(), HS_FLAG_CASELESS);
    const std::vector<unsigned> ids(literals.size(), 0);
    auto state = std::make_unique<State>();
    std::transform(literals.begin(), literals.end(), std::back_inserter(state->literals), to_lower_ascii);
    hs_compile_error_t* wrong = nullptr;
    const hs_error_t compiled = libhs().hs_compile_lit_multi(
        texts.data(), flags.data(), ids.data(), sizes.data(), static_cast<unsigned>(literals.size()),
        HS_MODE_BLOCK, nullptr, &state->database, &wrong);
    if (wrong != nullptr) {
        libhs().hs_free_compile_error(wrong);
    }
    if (compiled != HS_SUCCESS || libhs().hs_alloc_scratch(state->database, &state->scratch) != HS_SUCCESS) {
        return nullptr;
    }
    return std::make_unique<LiteralScanner>(std::move(state));
}

bool LiteralScanner::scan(std::string_view text, const Found& found) const {
    if (text.size() > std::numeric_limits<unsigned>::max()) {
        return false;
    }
    const std::size_t by_hand_from = text.size() - std::min(text.size(), k_by_hand);
    bool goes_on = true;
    const Found but_for_the_end = [&](std::size_t end) {
        goes_on = end > by_hand_from || found(end);
        return goes_on;
    };
    const hs_error_t done =
        libhs().hs_scan(m_state->database, text.data(), static_cast<unsigned>(text.size()), 0,
                        m_state->scratch, hand_on, const_cast<Found*>(&but_for_the_end));
    for (std::size_t end = by_hand_from + 1; goes_on && end <= text.size(); ++end) {
        goes_on = !one_ends_at(m_state->literals, text.substr(0, end)) || found(end);
    }
    return done == HS_SUCCESS || done == HS_SCAN_TERMINATED;
}

} // namespace lectio
