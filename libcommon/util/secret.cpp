#include "util/secret.h"

#include "util/percent.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

namespace lectio {
namespace {

constexpr std::string_view k_mask = "***";
// Shorter texts are no secrets worth the name, and masking "on" everywhere would make messages unreadable.
constexpr std::size_t k_shortest_secret = 4;

// Threads of checks make error texts while others run: the list is guarded.
class Registry {
  public:
    void add(std::string_view text) {
        if (text.size() < k_shortest_secret) {
            return;
        }
        const std::scoped_lock lock(m_mutex);
        insert(std::string(text));
        insert(percent_encoded(text));
    }
    std::string mask(std::string text) {
        const std::scoped_lock lock(m_mutex);
        for (const std::string& secret : m_secrets) {
            for (std::size_t at = text.find(secret); at != std::string::npos;
                 at = text.find(secret, at + k_mask.size())) {
                text.replace(at, secret.size(), k_mask);
            }
        }
        return text;
    }

  private:
    // Longest first: a secret that contains another is masked whole.
    void insert(std::string secret) {
        if (std::find(m_secrets.begin(), m_secrets.end(), secret) != m_secrets.end()) {
            return;
        }
        const auto place = std::find_if(m_secrets.begin(), m_secrets.end(), [&](const std::string& other) {
            return other.size() < secret.size();
        });
        m_secrets.insert(place, std::move(secret));
    }

    std::mutex m_mutex;
    std::vector<std::string> m_secrets;
};

Registry& registry() {
    static Registry the_registry;
    return the_registry;
}

// scheme://user:password@host → scheme://***@host
void mask_user_info(std::string& text) {
    for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
        const std::size_t start = at + 3;
        const std::size_t end = text.find_first_of("/?# \t\n\"'<>", start);
        const std::size_t last_at = text.substr(start, end - start).rfind('@');
        if (last_at != std::string::npos) {
            text.replace(start, last_at, k_mask);
        }
    }
}

// …/bot123456:AAE…/sendMessage → …/bot***/sendMessage, for tokens that were never registered.
void mask_bot_tokens(std::string& text) {
    for (std::size_t at = text.find("/bot"); at != std::string::npos; at = text.find("/bot", at + 4)) {
        std::size_t end = at + 4;
        while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) {
            ++end;
        }
        if (end == at + 4 || end >= text.size() || text[end] != ':') {
            continue;
        }
        const std::size_t stop = text.find_first_of("/? \t\n\"'<>", end);
        text.replace(at + 4, (stop == std::string::npos ? text.size() : stop) - at - 4, k_mask);
    }
}

} // namespace

Secret::Secret(std::string text) : m_text(std::move(text)) {
    registry().add(m_text);
}

void remember_secret(std::string_view text) {
    registry().add(text);
}

std::string redact(std::string_view text) {
    std::string masked = registry().mask(std::string(text));
    mask_user_info(masked);
    mask_bot_tokens(masked);
    return masked;
}

} // namespace lectio
