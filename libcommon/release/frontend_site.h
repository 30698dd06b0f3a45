// Where the frontend that [deploy.frontend] describes lies on this host.
#pragma once

#include "config/config.h"
#include "platform/users.h"
#include "release/transaction.h"

namespace lectio::release {

// `config` has deploy.frontend.
Places frontend_places(const Config& config);
// `owner`: whose the files of new releases become.
Site frontend_site(const Config& config, const Owner& owner);

} // namespace lectio::release
