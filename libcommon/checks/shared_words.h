// What more than one check says.
#pragma once

#include "words/phrase.h"

#include <string_view>

namespace lectio {

inline constexpr Phrase k_look_memory{
    "look at the largest: ps -eo pid,user,rss,args --sort=-rss | head",
    "посмотрите самые большие: ps -eo pid,user,rss,args --sort=-rss | head"};

// Of a step that cleans up: skipped, and nothing has been missed by that.
inline constexpr Phrase k_nothing_made{"nothing to clean up", "убирать нечего"};

// Of an address "host:port", with the system's words (error_words()).
inline constexpr Phrase k_no_name{"the name of {} is not found: {}", "имя в адресе {} не находится: {}"};
inline constexpr Phrase k_no_connection{"no connection to {}: {}", "нет соединения с {}: {}"};
inline constexpr Phrase k_not_connected{"no connection to {} within {}", "нет соединения с {} за {}"};
inline constexpr Phrase k_cannot_ask{"unable to ask {}: {}", "не удалось обратиться к {}: {}"};

// What OpenSSL says of a peer that answers without TLS, and what to do then.
inline constexpr std::string_view k_plain_text_peer = "wrong version number";
inline constexpr Phrase k_hint_plain_text{
    "look whether TLS is switched on there (nginx: listen … ssl) and whether the port is right",
    "посмотрите, включён ли там TLS (nginx: listen … ssl) и тот ли это порт"};

} // namespace lectio
