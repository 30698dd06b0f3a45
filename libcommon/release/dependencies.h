// What the virtual environment of a release is made of, and the same one made again for the next release in well under a
// second where nothing of that has changed.
#pragma once

#include "platform/files.h"
#include "platform/processes.h"
#include "util/result.h"

#include <string>
#include <vector>

namespace lectio::release {

// A hash of the command and of the files in `tree` that it names (requirements, and what these include by -r and -c);
// "": what it installs is not told by that (something of the project itself, or a file that cannot be read).
std::string dependencies_of(Files& files, const Path& tree, const std::vector<std::string>& install);

// A program for the Python of the virtual environment argv[1] that makes another one of it at argv[2]: hard links, and
// copies of what names its place (scripts' first lines, pyvenv.cfg, .pth). Its input; it is started as `python - OLD NEW`.
std::string_view program_that_copies_a_venv();

} // namespace lectio::release
