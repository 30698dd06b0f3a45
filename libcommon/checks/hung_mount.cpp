#include "checks/hung_mount.h"

namespace lectio {
namespace {

constexpr const char* k_left_behind = "left-behind";

constexpr Phrase k_hangs{"the file system {} does not answer within {}",
                         "файловая система {} не отвечает за {}"};
constexpr Phrase k_still_hangs{"the file system {} still does not answer",
                               "файловая система {} всё ещё не отвечает"};
constexpr Phrase k_hint{"who serves it, and is it reachable? umount -l frees what waits for it",
                        "кто её отдаёт и доступен ли он? umount -l отпустит тех, кто её ждёт"};

} // namespace

std::string left_behind(const std::map<std::string, std::string>& memory) {
    const auto kept = memory.find(k_left_behind);
    return kept == memory.end() ? std::string() : kept->second;
}

void keep_left_behind(CheckResult& result, const std::string& child) {
    if (child.empty()) {
        result.memory.erase(k_left_behind);
    } else {
        result.memory[k_left_behind] = child;
    }
}

CheckResult hung_mount(const std::string& mount, Stranded::Outcome outcome) {
    CheckResult result;
    result.status = Status::critical;
    result.message = outcome == Stranded::Outcome::still_hangs
                         ? say(k_still_hangs, mount)
                         : say(k_hangs, mount, format_duration(k_mount_timeout));
    result.hint = say(k_hint);
    result.remedy = Remedy::cannot_help; // whoever uses the files is not to blame
    return result;
}

} // namespace lectio
