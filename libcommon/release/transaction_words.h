// Words that more than one part of the transaction says.
#pragma once

#include "words/phrase.h"

namespace lectio::release::words {

inline constexpr Phrase k_adopted{"what was served has become release {}",
                                  "то, что отдавалось, стало релизом {}"};
inline constexpr Phrase k_given_back{"{} is a plain folder again", "{} снова обычная папка"};
inline constexpr Phrase k_no_schema{"the tables of the database cannot be looked at: {}",
                                    "не удалось посмотреть таблицы базы: {}"};
inline constexpr Phrase k_stopped{"stopped by a signal", "остановлено сигналом"};
inline constexpr Phrase k_not_proven{"the gate did not pass in time",
                                     "проверки не прошли за отведённое время"};
inline constexpr Phrase k_no_previous{"there is no earlier release to go back to",
                                      "вернуться не к чему: прежнего релиза нет"};
inline constexpr Phrase k_old_fails_hint{"look at what is served: lectio-health; lectio-deploy status",
                                         "посмотрите, что отдаётся: lectio-health; lectio-deploy status"};
inline constexpr Phrase k_nothing_there{"there is nothing at {}", "в {} ничего нет"};

} // namespace lectio::release::words
