#include "recovery/fix_permissions.h"

#include "config/complaints.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>

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

// "/", "/etc", "/var" … can only be a mistake, and one that ruins a host.
std::optional<std::string> path_complaint(const Path& path) {
    const Path inside = path.lexically_normal().relative_path();
    const auto names =
        std::count_if(inside.begin(), inside.end(), [](const Path& name) { return !name.empty(); });
    return names >= 2 ? std::nullopt
                      : std::optional<std::string>("refused: owner and modes of everything below " +
                                                   path.string() + " would be changed");
}

const Schema<FixPermissionsSettings>& fix_permissions_schema() {
    static const Schema<FixPermissionsSettings> schema{
        required("path", &FixPermissionsSettings::path, "folder; everything below it is mended, too")
            .check(path_complaint),
        optional("owner", &FixPermissionsSettings::owner,
                 "user:group, user, or :group; default: left as it is")
            .check(owner_complaint),
        optional("dirs", &FixPermissionsSettings::dirs, "mode of folders"),
        optional("files", &FixPermissionsSettings::files, "mode of files"),
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
