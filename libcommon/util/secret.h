// Secrets and their absence from everything that leaves a process.
//
// A Secret has no formatter and no stream operator: printing one does not compile. Every Secret that is made
// also registers its text here, so that redact() can mask it in texts that come back from libraries
// and peers (an error text of libcurl quotes the URL, and a bot's token is part of its path).
#pragma once

#include <string>
#include <string_view>

namespace lectio {

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string text); // registers it for redact() when it has 4 characters or more
    // The one way out; the name is there to be searched for.
    [[nodiscard]] const std::string& reveal() const { return m_text; }
    [[nodiscard]] bool empty() const { return m_text.empty(); }
    bool operator==(const Secret&) const = default;

  private:
    std::string m_text;
};

// Registers a text that must never be shown without making a Secret of it (values of the env file).
void remember_secret(std::string_view text);
// `text` with every registered secret, also in its percent-encoded form, replaced by "***". Also masks
// user:password@ in URLs, the token in …/botNNN:TOKEN/…, what has the shape of one, and what a query calls a token, key,
// password or signature.
std::string redact(std::string_view text);

} // namespace lectio
