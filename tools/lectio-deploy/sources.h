// Where a build comes from.
#pragma once

#include "platform/release_disk.h"
#include "platform/users.h"
#include "platform/world.h"
#include "release/transaction.h"

#include <memory>
#include <string>

namespace lectio::deploy {

// "-": standard input; a folder; an archive. An Error: there is no such thing. `as`: whose the files become.
Result<std::unique_ptr<release::BuildSource>> open_source(const std::string& words, World& world,
                                                          ReleaseDisk& disk, const User& as);

} // namespace lectio::deploy
