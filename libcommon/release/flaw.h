// What is found wrong with a build before anybody meets it.
#pragma once

#include "words/phrase.h"

namespace lectio::release {

struct Flaw {
    enum class Weight {
        refuse,
        refuse_unless_forced,
        warn,
    };
    Weight weight = Weight::refuse;
    Text words, hint{};
};

} // namespace lectio::release
