// Releases that nothing keeps, by lectio-deploy itself: [cleanup] releases. What is kept is its rule alone, under its lock.
#pragma once

#include "cleanup/deed.h"

#include <string>

namespace lectio::cleanup {

// `program`: lectio-deploy of this version.
void tidy_releases(const std::string& program, Sweep& sweep);

} // namespace lectio::cleanup
