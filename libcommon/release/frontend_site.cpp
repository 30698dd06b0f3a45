#include "release/frontend_site.h"

namespace lectio::release {

Places frontend_places(const Config& config) {
    const FrontendDeploy& frontend = *config.deploy.frontend;
    return {frontend.path, releases_folder(config.deploy, frontend), config.paths.state / "deploy"};
}

Site frontend_site(const Config& config, const Owner& owner) {
    Site site;
    site.places = frontend_places(config);
    site.marker = config.paths.run / "deploy_in_progress";
    site.host_lock = config.paths.run / "host.lock";
    site.rules = {owner, config.deploy.frontend->dirs.bits, config.deploy.frontend->files.bits};
    site.deploy = config.deploy;
    site.frontend = *config.deploy.frontend;
    site.lang = config.lang;
    return site;
}

} // namespace lectio::release
