// A tree in words: what is in it, sorted, each file with its hash. Two trees are compared by it, an archive carries it
// first (pack.h), and a release knows by it whether somebody has changed a file by hand.
//
// As text, a line each, fields separated by one blank, the path last; a backslash and bytes that would break a line
// stand as \xNN:
//
//     lectio-manifest 1
//     folder 755 static
//     file 644 1234 9f86d081884c…0015ad static/js/main.1.js
//     link static/js/main.js<tab>main.1.js
//     end 3 60303ae22b99…8ae3b1
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "util/result.h"
#include "words/phrase.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace lectio {

struct TreeEntry {
    enum class Type {
        file,
        folder,
        link,
        other, // device, FIFO, socket: nothing that a build has
    };
    std::string path; // below the root, "static/js/main.1.js": the bytes that are on the disk
    Type type = Type::file;
    mode_t mode = 0;    // permission bits, of files and folders
    Bytes size;         // of a file
    std::string sha256; // of a file, 64 hexadecimal digits
    std::string target; // of a link, as it was laid
    bool operator==(const TreeEntry&) const = default;
};

struct TreeManifest {
    std::vector<TreeEntry> entries;   // by path, as bytes; the root itself is none
    [[nodiscard]] Bytes size() const; // of all files
    [[nodiscard]] std::uint64_t files() const;
    [[nodiscard]] const TreeEntry* find(std::string_view path) const;
};

struct TreeReading {
    std::uint64_t most_entries = 1'000'000;
    Bytes most_bytes{UINT64_MAX}; // of all files together
    // True for what is not to count, with all below it: "__pycache__", our own mark of a release.
    std::function<bool(std::string_view below)> leave_out;
};

// Of a folder and all below it; no link is followed, not even by others who rename meanwhile. A file that changes while
// it is read is read again; busy: it does not come to rest, or something is mounted below. timeout: not done by `until`,
// or the process is to end. The way to `root` goes along trusted steps only (platform/trusted_path.h).
Result<TreeManifest> read_tree(const Path& root, Clock& clock, SteadyTime until,
                               const TreeReading& reading = {});
// The same of a folder that is held, also by O_PATH; `shown`: its path in messages.
Result<TreeManifest> read_tree_in(int folder, const Path& shown, Clock& clock, SteadyTime until,
                                  const TreeReading& reading = {});

std::string format_manifest(const TreeManifest& manifest);
// What is not exactly as format_manifest() writes it is invalid: paths that lead out, twice or out of order, entries in
// what is no folder, a version that we do not know, an end that does not fit. The words name the line.
Result<TreeManifest> parse_manifest(std::string_view text);

// One hash over what the tree is: names, types, contents, link targets. Modes do not count: they are set here, and the
// same build packed on another machine is the same build.
std::string tree_hash(const TreeManifest& manifest);

struct TreeDifference {
    std::vector<std::string> added, removed, changed; // paths, sorted
    [[nodiscard]] bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
};

// The first few: "index.html, +debug.js and 4 more".
Text some_of(const TreeDifference& difference);

enum class CompareModes { no, yes };
// What has happened to `before` to make it `after`.
TreeDifference compare(const TreeManifest& before, const TreeManifest& after,
                       CompareModes modes = CompareModes::no);

} // namespace lectio
