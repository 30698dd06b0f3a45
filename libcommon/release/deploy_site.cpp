#include "release/deploy_site.h"

namespace lectio::release {

Places places_of(const Config& config, Kind kind) {
    const DeploySettings& deploy = config.deploy;
    const Path& path = kind == Kind::backend ? deploy.backend->path : deploy.frontend->path;
    return {path, releases_folder(deploy, path), config.paths.state / "deploy", kind};
}

Site site_of(const Config& config, Kind kind) {
    Site site;
    site.places = places_of(config, kind);
    site.marker = config.paths.run / "deploy_in_progress";
    site.host_lock = config.paths.run / "host.lock";
    site.deploy = config.deploy;
    site.lang = config.lang;
    site.zone = config.timezone;
    return site;
}

FrontendPart::Settings frontend_settings(const Config& config, const Owner& owner) {
    const FrontendDeploy& frontend = *config.deploy.frontend;
    return {{owner, frontend.dirs.bits, frontend.files.bits}, frontend.keep_assets, config.deploy.keep};
}

} // namespace lectio::release
