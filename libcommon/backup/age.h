// Backups encrypted by age (age-encryption.org/v1): for recipients whose key need not be on this server.
#pragma once

#include "platform/durable_file.h"
#include "platform/world.h"
#include "util/result.h"

#include <string>
#include <vector>

namespace lectio::backup {

// The recipients of `encrypt` (config/backup.h) can be encrypted for. Errors: not_found: age, or a file of recipients, is not
// there; permission: others may write to such a file; io: what age says of them.
Result<void> try_recipients(const std::vector<std::string>& encrypt, World& world, SteadyTime until);
// `to` is new and on the disk; the digest is its own. On an Error nothing of it stays.
Result<FileDigest> encrypt_file(const std::vector<std::string>& encrypt, const Path& from, const Path& to,
                                World& world, SteadyTime until);

// Whether a key file is there. permission: others than root and we may read or change it.
Result<bool> has_identity(const Path& identity, Files& files);
// `to` is new and on the disk. io: what age says: it is for somebody else, or damaged.
Result<FileDigest> decrypt_file(const Path& identity, const Path& from, const Path& to, World& world,
                                SteadyTime until);

} // namespace lectio::backup
