#include "checks/check.h"

namespace lectio {
namespace {

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
