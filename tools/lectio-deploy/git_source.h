// The code as a commit of a git repository has it: fetched into a bare mirror beside the releases, as the user of the site,
// and taken out of there as an archive, which is unpacked as any other.
#pragma once

#include "platform/release_disk.h"
#include "platform/users.h"
#include "platform/world.h"
#include "release/shelf.h"
#include "release/transaction.h"

#include <memory>
#include <string>

namespace lectio::deploy {

// `remote`: a URL, or the name of a remote of the repository that the first release came with.
std::unique_ptr<release::BuildSource> git_source(const std::string& remote, const std::string& ref,
                                                 release::Shelf shelf, World& world, ReleaseDisk& disk,
                                                 const User& as);

// "3 commits: mend the login; …", the newest first; empty where nobody can tell.
Text commits_between(const std::string& before, const std::string& after, release::Shelf& shelf, World& world,
                     const User& as);

} // namespace lectio::deploy
