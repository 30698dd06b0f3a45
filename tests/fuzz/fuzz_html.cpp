// index.html, as the disk has it and as the web server serves it: the files that it names, and where they lie.
#include "checks/frontend.h"
#include "checks/html_assets.h"
#include "property.h"

#include <filesystem>

using namespace lectio;
using fuzz::require;

namespace {

void judge(const std::string& path) {
    require(!path.empty() && path.front() != '/', "a local file has a path below the root");
    for (const std::filesystem::path& part : std::filesystem::path(path)) {
        require(part != "..", "a local file does not lead out of the root");
    }
    require(path.find('\0') == std::string::npos, "a local file has a name that the system takes");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    FrontendSettings settings;
    settings.url = "https://site.test/app/";
    settings.forbid = {"localhost:3000"};
    FrontendSample sample;
    sample.index = fuzz::text_of(data, size);
    for (const HtmlAsset& asset : html_assets(sample.index)) {
        require(!asset.url.empty(), "no file has an empty URL");
        if (const std::optional<std::string> path = local_path(asset.url, settings.url)) {
            judge(*path);
            FrontendFile& file = sample.files.emplace_back();
            file.kind = asset.kind;
            file.path = *path;
        }
    }
    HttpAnswer page;
    page.phase = HttpAnswer::Phase::done;
    page.status = 200;
    page.body = sample.index;
    sample.page = page;
    const CheckResult result = evaluate_frontend(sample, settings);
    const bool forbidden = sample.index.find(settings.forbid.front()) != std::string::npos;
    require(result.status == (forbidden ? Status::critical : Status::ok),
            "a page is no other page than itself");
    return 0;
}
