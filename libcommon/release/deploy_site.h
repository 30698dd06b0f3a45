// Where what [deploy] describes lies on this host.
#pragma once

#include "config/config.h"
#include "platform/users.h"
#include "release/frontend_part.h"
#include "release/transaction.h"

namespace lectio::release {

// `config` has deploy.frontend, or deploy.backend, as `kind` says.
Places places_of(const Config& config, Kind kind);
Site site_of(const Config& config, Kind kind);
// `owner`: whose the files of new releases become.
FrontendPart::Settings frontend_settings(const Config& config, const Owner& owner);

} // namespace lectio::release
