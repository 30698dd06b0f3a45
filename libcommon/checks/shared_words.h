// What more than one check says.
#pragma once

#include "words/phrase.h"

namespace lectio {

inline constexpr Phrase k_look_memory{"largest first: ps -eo pid,user,rss,args --sort=-rss | head",
                                      "самые большие: ps -eo pid,user,rss,args --sort=-rss | head"};

// Of an address "host:port", with the system's words (error_words()).
inline constexpr Phrase k_no_name{"the name of {} is not found: {}", "имя в адресе {} не находится: {}"};
inline constexpr Phrase k_no_connection{"no connection to {}: {}", "нет соединения с {}: {}"};
inline constexpr Phrase k_not_connected{"no connection to {} within {}", "нет соединения с {} за {}"};
inline constexpr Phrase k_cannot_ask{"unable to ask {}: {}", "не удалось обратиться к {}: {}"};

// Of a mount "/mnt/media (nfs4)" (platform/stranded.h).
inline constexpr Phrase k_mount_hangs{"the file system {} does not answer within {}",
                                      "файловая система {} не отвечает за {}"};
inline constexpr Phrase k_mount_still_hangs{"the file system {} still does not answer",
                                            "файловая система {} всё ещё не отвечает"};
inline constexpr Phrase k_mount_hangs_hint{
    "who serves it, and is it reachable? umount -l frees what waits for it",
    "кто её отдаёт и доступен ли он? umount -l отпустит тех, кто её ждёт"};

} // namespace lectio
