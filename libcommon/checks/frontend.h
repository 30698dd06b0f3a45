// The check type "frontend": the build that the site consists of is whole, readable, and what is served.
#pragma once

#include "checks/check_type.h"
#include "checks/html_assets.h"
#include "platform/access.h"
#include "platform/http.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct FrontendSettings {
    Path root;          // "": from outside only
    std::string url;    // "": the disk only
    std::string reader; // "": whoever reads
    std::vector<std::string> contains, forbid;
    Duration max_time{0}; // of the page; 0: no such limit
    Duration timeout{10000};
    std::string ca; // "": the system's
    std::string resolve;
};

// A script, a style sheet or a preloaded file that the page names.
struct FrontendFile {
    HtmlAsset::Kind kind = HtmlAsset::Kind::script;
    std::string path;                 // from the root: "static/js/main.abc.js"
    std::optional<Obstacle> obstacle; // on disk
    std::optional<HttpAnswer> answer; // over HTTP, when asked
    bool fetched = false;             // by GET: the body of `answer` is the file
    std::string forbidden;            // the first of settings.forbid that the file holds
};
struct FrontendSample {
    std::string reader_error; // the reader could not be looked up
    std::optional<Obstacle> index_obstacle;
    std::string index; // as on disk
    std::vector<FrontendFile> files;
    std::optional<HttpAnswer> page;
};

// Pure. Disk before HTTP: what is wrong there explains what is wrong here.
CheckResult evaluate_frontend(const FrontendSample& sample, const FrontendSettings& settings);

// The path below the root that a local URL of the page leads to; nothing for another site's, for data: and for what
// leads out of the root. `site` is settings.url.
std::optional<std::string> local_path(std::string_view url, std::string_view site);

CheckType frontend_check_type();

} // namespace lectio
