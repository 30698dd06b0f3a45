// Where a build comes from.
#pragma once

#include "platform/release_disk.h"
#include "platform/users.h"
#include "platform/world.h"
#include "release/transaction.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace lectio::deploy {

// "-": standard input; a folder; an archive. An Error: there is no such thing. `as`: whose the files become. `leave_out`: of a
// folder, what is no part of the build.
Result<std::unique_ptr<release::BuildSource>>
open_source(const std::string& words, World& world, ReleaseDisk& disk, const User& as,
            const std::function<bool(std::string_view below)>& leave_out = {});

} // namespace lectio::deploy
