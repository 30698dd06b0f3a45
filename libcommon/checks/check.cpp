#include "checks/check.h"

#include <algorithm>

namespace lectio {
namespace {

constexpr Phrase k_not_finished{"not finished when the time of this run was over",
                                "проверка не успела закончиться за время прогона"};

int rank(Status status) {
    switch (status) {
    case Status::critical:
        return 4;
    case Status::warning:
        return 3;
    case Status::unknown:
        return 2;
    case Status::ok:
        return 1;
    case Status::skipped:
        return 0;
    }
    return 0;
}

} // namespace

Duration time_for(const CheckContext& context, Duration wanted) {
    const auto left = std::chrono::floor<Duration>(context.deadline - context.world.clock.steady());
    return std::clamp(left, Duration(1), std::max(wanted, Duration(1))); // 0 would mean for ever to some
}

CheckResult not_finished(const std::map<std::string, std::string>& memory) {
    CheckResult result;
    result.message = say(k_not_finished);
    result.memory = memory;
    return result;
}

Status worst(Status a, Status b) {
    return rank(a) >= rank(b) ? a : b;
}

std::string_view to_string(Status status) {
    switch (status) {
    case Status::ok:
        return "ok";
    case Status::warning:
        return "warning";
    case Status::critical:
        return "critical";
    case Status::unknown:
        return "unknown";
    case Status::skipped:
        return "skipped";
    }
    return "unknown";
}

} // namespace lectio
