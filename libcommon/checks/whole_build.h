// Whether the build of a frontend is whole: index.html and each file of the site's own that it names.
//
// By what the files are, not by what is served: what looks at a build on its way (restore-frontend, lectio-deploy) asks the
// same questions.
#pragma once

#include "checks/html_assets.h"
#include "platform/files.h"
#include "util/result.h"
#include "words/phrase.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

// How the files of a build are looked at: the served one as the web server does, links and all; a copy by descriptors; one
// that is on its way by its manifest.
struct BuildView {
    std::function<Result<std::string>(const Path& below)> read; // a page: k_largest_page at most
    std::function<Result<FileInfo>(const Path& below)> info;
};
constexpr Bytes k_largest_page = 1_MB;

struct BuildFlaw {
    enum class Kind {
        missing,
        empty,
        not_a_file,
        useless,       // a circle of links, a name too long: it serves nobody
        names_nothing, // index.html has neither script nor style of its own
        unseen,        // we could not look, or it is larger than any page: nothing is known of it
    };
    Kind kind = Kind::missing;
    std::string file; // below the build
    Text words;
};

struct NamedFile {
    HtmlAsset::Kind kind = HtmlAsset::Kind::script;
    std::string path; // below the build
};

struct BuildProof {
    std::optional<std::string> index; // where it could be read
    std::vector<NamedFile> named;     // by it, each once
    std::vector<BuildFlaw> flaws;     // in the order of `named`; none: whole
    WallTime built{};                 // when index.html was written
    [[nodiscard]] bool whole() const { return flaws.empty(); }
};

// `site`: where it is served, "" or "https://site.example/app/" (local_path(), checks/frontend.h).
BuildProof prove_build(const BuildView& build, const std::string& site);

} // namespace lectio
