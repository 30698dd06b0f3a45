#include "recovery/fix_permissions.h"

#include "config/complaints.h"
#include "config/site_path.h"
#include "util/text.h"
#include "words/error_words.h"

#include <string_view>

#include <sys/stat.h>

namespace lectio {
namespace {

constexpr Phrase k_for_example{"{}, for example {}", "{}, например {}"};
constexpr Phrase k_some_failed{"{} mended, {} could not be: {}", "исправлено: {}, не удалось: {} ({})"};
constexpr Noun k_entries{"file or folder", "files and folders", "файл или папка", "файла или папки",
                         "файлов и папок"};

constexpr Phrase k_no_place{"refused: owner and modes of everything below {} would be changed",
                            "отказано: сменились бы владелец и права всего, что лежит в {}"};
constexpr Phrase k_special_bits{
    "refused: on every file or folder of a tree these bits (4000, 2000, 1000) open the host",
    "отказано: эти биты (4000, 2000, 1000) на всех файлах или папках открывают сервер чужим"};
constexpr Phrase k_open_to_all{"refused: everybody on this host could write there",
                               "отказано: туда мог бы писать любой на этом сервере"};

struct FixPermissionsSettings {
    Path path;
    std::string owner;
    FileMode dirs{0755};
    FileMode files{0644};
};

std::optional<Text> path_complaint(const Path& given) {
    return lies_where_sites_do(given) ? std::nullopt : std::optional(say(k_no_place, given.string()));
}

std::optional<Text> mode_complaint(const FileMode& mode) {
    constexpr mode_t k_special = 07000; // set-user-ID, set-group-ID, sticky
    if ((mode.bits & k_special) != 0) {
        return say(k_special_bits);
    }
    if ((mode.bits & S_IWOTH) != 0) {
        return say(k_open_to_all);
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
        const Result<TreeRepair> found = walk(TreeMode::look);
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
