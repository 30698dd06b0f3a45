// secrets: none is still the example's, readable by everyone, or served by the site. No value is ever shown or kept.
#pragma once

#include "checks/check_type.h"
#include "platform/files.h"
#include "platform/http.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct SecretsSettings {
    std::vector<Path> files;
    std::vector<std::string> values{"change-in-production", "changeme", "django-insecure-"};
    std::vector<std::string> environments;
    std::string url;
    std::vector<std::string> reachable{"/.env", "/.git/HEAD"};
};

struct SecretsSample {
    struct File {
        Path path;
        Result<FileInfo> info;
        Result<std::string> content;
    };
    struct Environment {
        int pid = 0;
        std::string process;         // its command line, shortened
        Result<std::string> content; // as Host::environment()
    };
    struct Page {
        std::string path;
        HttpAnswer answer;
    };
    std::vector<File> files;
    std::vector<Environment> environments;
    std::vector<Page> pages;
    std::optional<HttpAnswer>
        made_up; // how the site answers a path that nobody has: perhaps with its index.html
};

// "NAME" of each line NAME=value, with or without `export`, that holds one of the texts; of another line with one of
// them "line 12".
std::vector<std::string> names_of_defaults(std::string_view content, char between,
                                           const std::vector<std::string>& values);
CheckResult evaluate_secrets(const SecretsSample& sample, const SecretsSettings& settings);
CheckType secrets_check_type();

} // namespace lectio
