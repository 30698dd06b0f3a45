#include "recovery/fix_permissions.h"

#include "config/complaints.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include <sys/stat.h>

namespace lectio {
namespace {

constexpr Phrase k_for_example{"{} (e.g. {})", "{} (например, {})"};
constexpr Phrase k_some_failed{"{} mended, {} could not be: {}", "исправлено: {}, не удалось: {} ({})"};
constexpr Noun k_entries{"file or folder", "files and folders", "файл или папка", "файла или папки",
                         "файлов и папок"};

struct FixPermissionsSettings {
    Path path;
    std::string owner;
    FileMode dirs{0755};
    FileMode files{0644};
};

// Of the system (hier(7)): one mode for all files below can only be a mistake, and one that ruins a host.
constexpr std::array<std::string_view, 22> k_system_trees{
    "/bin",      "/boot",        "/dev",       "/etc",       "/lib",      "/lib32",
    "/lib64",    "/libx32",      "/proc",      "/root",      "/run",      "/sbin",
    "/sys",      "/usr",         "/var/cache", "/var/log",   "/var/mail", "/var/run",
    "/var/lock", "/var/backups", "/var/spool", "/lost+found"};
// Where web servers and people put sites all the same.
constexpr std::array<std::string_view, 3> k_sites_in_system_trees{"/usr/local/www", "/usr/share/caddy",
                                                                  "/usr/share/nginx/html"};
// Nothing of the system itself, but each folder in them is a whole of its own: a person's, a database's.
constexpr std::array<std::string_view, 3> k_homes{"/home", "/var/lib", "/var/tmp"};

// Of these, `path` is one or lies in one.
template<std::size_t Size>
bool is_within(const Path& path, const std::array<std::string_view, Size>& folders) {
    return std::any_of(folders.begin(), folders.end(), [&](std::string_view folder) {
        const Path above(folder);
        return std::mismatch(above.begin(), above.end(), path.begin(), path.end()).first == above.end();
    });
}

template<std::size_t Size>
bool is_directly_below(const Path& path, const std::array<std::string_view, Size>& folders) {
    return std::find(folders.begin(), folders.end(), path.parent_path().string()) != folders.end();
}

// "~/.ssh" is refused by sshd once others may read it.
bool holds_keys(const Path& path) {
    return std::any_of(path.begin(), path.end(),
                       [](const Path& name) { return name == ".ssh" || name == ".gnupg"; });
}

std::optional<std::string> path_complaint(const Path& given) {
    Path path = given.lexically_normal();
    path = path.has_filename() ? path : path.parent_path();                // "/srv/site/"
    const bool is_one_step = std::distance(path.begin(), path.end()) <= 2; // "/", "/srv"
    const bool is_of_var = path.parent_path() == "/var" && path != "/var/www";
    const bool is_of_system = is_within(path, k_system_trees) && !is_within(path, k_sites_in_system_trees);
    if (is_one_step || is_of_var || is_of_system || is_directly_below(path, k_homes) || holds_keys(path)) {
        return "refused: owner and modes of everything below " + given.string() + " would be changed";
    }
    return std::nullopt;
}

std::optional<std::string> mode_complaint(const FileMode& mode) {
    constexpr mode_t k_special = 07000; // set-user-ID, set-group-ID, sticky
    if ((mode.bits & k_special) != 0) {
        return "refused: on every file or folder of a tree these bits (4000, 2000, 1000) open the host";
    }
    if ((mode.bits & S_IWOTH) != 0) {
        return "refused: everybody on this host could write there";
    }
    return std::nullopt;
}

const Schema<FixPermissionsSettings>& fix_permissions_schema() {
    static const Schema<FixPermissionsSettings> schema{
        required(
            "path", &FixPermissionsSettings::path,
            "folder; everything below it is mended, too. Not one of the system's. A link on the way to it is "
            "followed where root laid it or it leads down from its folder")
            .check(path_complaint),
        optional("owner", &FixPermissionsSettings::owner,
                 "user:group, user, or :group; default: left as it is")
            .check(owner_complaint),
        optional("dirs", &FixPermissionsSettings::dirs, "mode of folders").check(mode_complaint),
        optional("files", &FixPermissionsSettings::files, "mode of files").check(mode_complaint),
    };
    return schema;
}

class FixPermissions final : public Action {
  public:
    explicit FixPermissions(FixPermissionsSettings settings) : m_settings(std::move(settings)) {}

    std::string target() const override { return m_settings.path.string(); }

    Readiness look(const ActionContext&) const override {
        const Result<TreeRepair> found = walk(TreeMode::report);
        if (!found.ok()) {
            return Readiness{Readiness::Kind::refused, error_words(found.error().message)};
        }
        const bool all_right = found->changed == 0 && found->failed == 0;
        return Readiness{all_right ? Readiness::Kind::nothing_to_change : Readiness::Kind::go};
    }

    ActionResult act(const ActionContext&) const override {
        const Result<TreeRepair> done = walk(TreeMode::apply);
        if (!done.ok()) {
            return {false, error_words(done.error().message)};
        }
        return {done->failed == 0, repair_words(*done)};
    }

    std::vector<std::string> look_with() const override {
        return {"ls -la " + target(), "namei -l " + target()};
    }

  private:
    Result<TreeRepair> walk(TreeMode mode) const {
        TreeRules rules{Owner{}, m_settings.dirs.bits, m_settings.files.bits};
        if (!m_settings.owner.empty()) {
            Result<Owner> owner = find_owner(m_settings.owner);
            if (!owner.ok()) {
                return owner.error();
            }
            rules.owner = *owner;
        }
        return repair_tree(m_settings.path, rules, mode);
    }

    FixPermissionsSettings m_settings;
};

} // namespace

Text repair_words(const TreeRepair& repair) {
    const Text mended = counted(static_cast<std::int64_t>(repair.changed), k_entries);
    if (repair.failed > 0) {
        return say(k_some_failed, mended, repair.failed, clean_line(repair.first_failure));
    }
    if (repair.examples.empty()) {
        return mended;
    }
    return say(k_for_example, mended, clean_line(repair.examples.front()));
}

ActionType fix_permissions_action_type() {
    return make_action_type<fix_permissions_schema, FixPermissions>(
        "fix-permissions", Disruptive::no, "sets owner and modes of a folder and all below it");
}

} // namespace lectio
