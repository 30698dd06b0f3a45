#include "checks/nginx_places.h"

#include "util/number.h"
#include "util/pattern.h"
#include "util/text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lectio {
namespace {

void visit_blocks(const NginxPlace& place, const std::function<void(const NginxPlace&)>& visit) {
    visit(place);
    for (const NginxDirective& directive : place.back()->block) {
        if (directive.name == "server" || directive.name == "location") {
            NginxPlace inner = place;
            inner.push_back(&directive);
            visit_blocks(inner, visit);
        }
    }
}

// How a location says what it takes: "= /x", "^~ /x", "~ x", "~* x", "/x", "@x".
struct Taking {
    enum class Kind { prefix, last_prefix, exact, expression, named } kind = Kind::prefix;
    std::string_view text;
    bool ignores_case = false;
};

Taking taking_of(const NginxDirective& location) {
    const std::vector<std::string>& words = location.arguments;
    if (words.empty()) {
        return {};
    }
    using Kind = Taking::Kind;
    constexpr std::array<std::pair<std::string_view, Kind>, 4> k_modifiers{
        {{"=", Kind::exact}, {"^~", Kind::last_prefix}, {"~*", Kind::expression}, {"~", Kind::expression}}};
    for (const auto& [modifier, kind] : k_modifiers) {
        if (words.size() > 1 && words.front() == modifier) {
            return {kind, words[1], modifier == "~*"};
        }
        if (words.size() == 1 && words.front().starts_with(modifier)) { // "=/x"
            return {kind, std::string_view(words.front()).substr(modifier.size()), modifier == "~*"};
        }
    }
    return {words.front().starts_with('@') ? Kind::named : Kind::prefix, words.front(), false};
}

bool expression_takes(const Taking& taking, std::string_view path) {
    const Result<Pattern> pattern =
        Pattern::compile(fmt::format("{}{}", taking.ignores_case ? "(?i)" : "", taking.text));
    return pattern && pattern->found_in(path).value_or(false);
}

// As nginx looks: the longest prefix, what is nested in it, and only then the expressions, in their order. True: what
// was found is final.
bool find_location(NginxPlace& place, std::string_view path) {
    using Kind = Taking::Kind;
    const std::vector<NginxDirective>& locations = place.back()->block;
    const std::size_t depth = place.size();
    const NginxDirective* longest = nullptr;
    Taking best;
    for (const NginxDirective& location : locations) {
        const Taking taking = taking_of(location);
        if (location.name != "location") {
            continue;
        }
        if (taking.kind == Kind::exact && taking.text == path) {
            place.push_back(&location);
            return true;
        }
        const bool is_prefix = taking.kind == Kind::prefix || taking.kind == Kind::last_prefix;
        if (is_prefix && path.starts_with(taking.text) &&
            (longest == nullptr || taking.text.size() > best.text.size())) {
            longest = &location;
            best = taking;
        }
    }
    if (longest != nullptr) {
        place.push_back(longest);
        if (find_location(place, path)) {
            return true;
        }
    }
    if (best.kind == Kind::last_prefix) {
        return false;
    }
    for (const NginxDirective& location : locations) {
        const Taking taking = taking_of(location);
        if (location.name == "location" && taking.kind == Kind::expression &&
            expression_takes(taking, path)) {
            place.resize(depth);
            place.push_back(&location);
            find_location(place, path);
            return true;
        }
    }
    return false;
}

const NginxDirective* server_block(const NginxPlace& place) {
    const auto found = std::find_if(place.begin(), place.end(),
                                    [](const NginxDirective* block) { return block->name == "server"; });
    return found == place.end() ? nullptr : *found;
}

bool denies_all(const NginxPlace& place) {
    const NginxSetting denials = setting_of(place, "deny");
    const NginxSetting allowances = setting_of(place, "allow");
    const bool overruled = allowances.block != nullptr && denials.block != nullptr &&
                           std::find(place.begin(), place.end(), allowances.block) >
                               std::find(place.begin(), place.end(), denials.block);
    return !overruled &&
           std::any_of(denials.directives.begin(), denials.directives.end(), [](const NginxDirective* deny) {
               return !deny->arguments.empty() && deny->arguments.front() == "all";
           });
}

// The status of a `return` that answers whatever is asked there: the location's, or the server's before it.
std::optional<int> returned(const NginxPlace& place) {
    for (const NginxDirective* block : place) {
        const bool counts = block->name == "server" || block == place.back();
        const std::vector<const NginxDirective*> all =
            counts ? own(*block, "return") : std::vector<const NginxDirective*>();
        if (!all.empty() && !all.front()->arguments.empty()) {
            return number_from<int>(all.front()->arguments.front()).value_or(302); // `return URL`
        }
    }
    return std::nullopt;
}

} // namespace

void for_each_place(const NginxTree& tree, const std::function<void(const NginxPlace&)>& visit) {
    for (const NginxDirective& directive : tree.directives) {
        if (directive.name == "http") {
            visit_blocks({&directive}, visit);
        }
    }
}

std::vector<NginxPlace> servers_of(const NginxTree& tree) {
    std::vector<NginxPlace> servers;
    for_each_place(tree, [&](const NginxPlace& place) {
        if (place.back()->name == "server") {
            servers.push_back(place);
        }
    });
    return servers;
}

NginxPlace place_of(const NginxPlace& server, std::string_view path) {
    NginxPlace place = server;
    find_location(place, path);
    return place;
}

std::optional<NginxPlace> named_place(const NginxPlace& place, std::string_view name) {
    const NginxDirective* server = server_block(place);
    if (server == nullptr) {
        return std::nullopt;
    }
    for (const NginxDirective& location : server->block) {
        if (location.name == "location" && taking_of(location).kind == Taking::Kind::named &&
            taking_of(location).text == name) {
            return NginxPlace{place.front(), server, &location};
        }
    }
    return std::nullopt;
}

std::vector<const NginxDirective*> own(const NginxDirective& block, std::string_view name) {
    std::vector<const NginxDirective*> found;
    for (const NginxDirective& directive : block.block) {
        if (directive.name == name) {
            found.push_back(&directive);
        }
    }
    return found;
}

NginxSetting setting_of(const NginxPlace& place, std::string_view name) {
    for (auto block = place.rbegin(); block != place.rend(); ++block) {
        std::vector<const NginxDirective*> found = own(**block, name);
        if (!found.empty()) {
            return {*block, std::move(found)};
        }
    }
    return {};
}

std::string_view value_of(const NginxPlace& place, std::string_view name) {
    const NginxSetting setting = setting_of(place, name);
    const bool given = !setting.directives.empty() && !setting.directives.front()->arguments.empty();
    return given ? std::string_view(setting.directives.front()->arguments.front()) : std::string_view();
}

bool is_location(const NginxPlace& place) {
    return place.back()->name == "location";
}

bool passes_on(const NginxPlace& place) {
    constexpr std::array<std::string_view, 5> k_passes{"proxy_pass", "fastcgi_pass", "uwsgi_pass",
                                                       "scgi_pass", "grpc_pass"};
    return std::any_of(k_passes.begin(), k_passes.end(),
                       [&](std::string_view name) { return !own(*place.back(), name).empty(); });
}

bool is_tls(const NginxPlace& server) {
    const std::vector<const NginxDirective*> listens = own(*server.back(), "listen");
    return std::any_of(listens.begin(), listens.end(), [](const NginxDirective* listen) {
        const std::vector<std::string>& words = listen->arguments;
        return std::find(words.begin(), words.end(), "ssl") != words.end();
    });
}

bool is_denied(const NginxPlace& place) {
    const std::optional<int> status = returned(place);
    return denies_all(place) || (is_location(place) && !own(*place.back(), "internal").empty()) ||
           (status && *status >= 400);
}

bool redirects(const NginxPlace& place) {
    return returned(place).has_value();
}

std::string server_words(const NginxPlace& place) {
    const NginxDirective* server = server_block(place);
    if (server == nullptr) {
        return "http";
    }
    for (const std::string_view name : {"server_name", "listen"}) {
        for (const NginxDirective* directive : own(*server, name)) {
            for (const std::string& word : directive->arguments) {
                if (!word.empty() && word != "_" && word != "\"\"") {
                    return shorten(clean_line(word), 80);
                }
            }
        }
    }
    return "*:80"; // what nginx listens on without a word
}

std::string location_words(const NginxPlace& place) {
    return shorten(clean_line(fmt::format("location {}", fmt::join(place.back()->arguments, " "))), 80);
}

} // namespace lectio
