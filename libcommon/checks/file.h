// file: a file is there and as it should be, or it is not there.
#pragma once

#include "checks/check_type.h"
#include "platform/file_probe.h"
#include "platform/users.h"

#include <map>
#include <optional>
#include <string>

namespace lectio {

struct FileSettings {
    Path path;
    enum class Must { exist, absent } must = Must::exist;
    Thresholds age, size;
    std::optional<FileMode> mode;
    std::string owner;
};

struct FileSample {
    FileProbe probe;
    Owner owner;            // the one wanted, in numbers
    std::string owner_seen; // of the file, as it would be written: "root:www-data"
};

// Pure.
CheckResult evaluate_file(const FileSample& sample, const FileSettings& settings, WallTime now,
                          const std::map<std::string, std::string>& memory);
CheckType file_check_type();

} // namespace lectio
