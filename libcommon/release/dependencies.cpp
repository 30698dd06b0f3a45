#include "release/dependencies.h"

#include "platform/sha256.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

namespace lectio::release {
namespace {

constexpr Bytes k_largest = 4_MB;
constexpr std::size_t k_most_files = 100;

// A process of the site's user: what it makes is the user's, as if pip had made it. Only files whose names say that they
// hold their own place are read; everything else has the same bytes in every release.
constexpr std::string_view k_copy = R"(
import os, shutil, sys

old, new = sys.argv[1:]
packages = "lib/python%d.%d/site-packages" % sys.version_info[:2]
if not os.path.isdir(os.path.join(old, packages)):
    sys.exit("this environment was made for another Python")
places = (os.fsencode(old), os.fsencode(new))

def names_its_place(folder, name):
    return folder == os.path.join(old, "bin") or name == "direct_url.json" or name.endswith((".cfg", ".pth", ".egg-link"))

for folder, folders, files in os.walk(old):
    there = new + folder[len(old):]
    os.mkdir(there)
    for name in folders + files:
        source, target = os.path.join(folder, name), os.path.join(there, name)
        if os.path.islink(source):
            os.symlink(os.readlink(source).replace(old, new), target)
        elif name in files and names_its_place(folder, name):
            with open(source, "rb") as before, open(target, "wb") as after:
                after.write(before.read().replace(*places))
            shutil.copymode(source, target)
        elif name in files:
            os.link(source, target)
)";

// "-r base.txt", "--constraint=pins.txt", "-rbase.txt": what pip reads with a file of requirements; nothing of others.
std::optional<std::string> included_by(std::string_view line) {
    constexpr std::array<std::string_view, 4> k_options{"--requirement", "--constraint", "-r", "-c"};
    for (const std::string_view option : k_options) {
        if (line.starts_with(option)) {
            std::string_view rest = trim(line.substr(option.size()));
            rest = rest.starts_with('=') ? trim(rest.substr(1)) : rest;
            return std::string(rest.substr(0, rest.find(" #")));
        }
    }
    return std::nullopt;
}

// Whose contents no file of requirements tells: "-e .", "./lib", "name @ file:///srv/lib".
bool is_local(std::string_view requirement) {
    return requirement.starts_with("-e") || requirement.starts_with("--editable") ||
           requirement.starts_with('.') || requirement.starts_with('/') ||
           requirement.find("file:") != std::string_view::npos;
}

class Reading {
  public:
    Reading(Files& files, const Path& tree) : m_files(files), m_tree(tree) {}

    // False: it is not known what would be installed.
    bool read(const Path& below) {
        const Path path = (m_tree / below).lexically_normal();
        if (!m_seen.insert(path.string()).second) {
            return true;
        }
        const Result<std::string> text = m_files.read(path, k_largest);
        if (!text || m_seen.size() > k_most_files) {
            return false;
        }
        add(below.string());
        add(*text);
        for (const std::string_view raw : split_lines(*text)) {
            const std::string_view line = trim(raw);
            if (is_local(line)) {
                return false;
            }
            const std::optional<std::string> more = included_by(line);
            if (more && !read(below.parent_path() / *more)) {
                return false;
            }
        }
        return true;
    }

    void add(std::string_view part) {
        m_hash.add(std::to_string(part.size()) + ":");
        m_hash.add(part);
    }
    std::string finish() { return m_hash.finish(); }

  private:
    Files& m_files;
    const Path& m_tree;
    Sha256 m_hash;
    std::set<std::string> m_seen;
};

} // namespace

std::string dependencies_of(Files& files, const Path& tree, const std::vector<std::string>& install) {
    Reading reading(files, tree);
    bool names_a_file = false;
    for (std::size_t i = 0; i < install.size(); ++i) {
        reading.add(install[i]);
        if (i == 0 || install[i].starts_with('-')) { // the program itself lies in the environment
            continue;
        }
        const Result<FileInfo> info = files.info(tree / install[i], Files::Follow::yes);
        if (info && info->type != FileInfo::Type::regular) {
            return {}; // "pip install ."
        }
        if (info) {
            names_a_file = true;
            if (!reading.read(install[i])) {
                return {};
            }
        }
    }
    return names_a_file ? reading.finish() : std::string();
}

std::string_view program_that_copies_a_venv() {
    return k_copy;
}

} // namespace lectio::release
