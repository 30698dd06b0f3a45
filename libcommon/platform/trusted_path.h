// Trusted path: what root will change or read where others may write, opened so that none of them leads root astray.
#pragma once

#include "platform/files.h"
#include "util/result.h"
#include "util/unique_fd.h"

namespace lectio {

// Goes down an absolute path step by step and returns an O_PATH descriptor of the folder at its end, which
// needs no rights on it. A link on the way is followed only where nobody else can have laid it to lead
// elsewhere:
//   - it is root's (or ours) and lies in a folder that nobody else may write to: /var/www -> /srv/www; or
//   - it leads down from the folder that it lies in, without "..": current -> releases/7. Who owns that folder
//     could have renamed what is in it just as well.
// Any other link is an Error (permission) with its name. docs/decisions/0012.
Result<UniqueFd> open_trusted_folder(const Path& path);

// A regular file for reading, never blocking. Links as above; any other link only leads to what belongs to who laid it,
// for that he can read himself (as fs.protected_symlinks of the kernel has it in sticky folders). One of root's in a folder
// of somebody's leads to what is his, too: a database below the code of a site, shared by its releases.
Result<UniqueFd> open_trusted_file(const Path& path);

} // namespace lectio
