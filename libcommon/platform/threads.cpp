#include "platform/threads.h"

#include <system_error>
#include <thread>

namespace lectio {

Result<void> start_abandonable(std::function<void()> work) {
    try {
        std::thread(std::move(work)).detach();
    } catch (const std::system_error& error) {
        return errno_error("start a thread", error.code().value());
    }
    return {};
}

} // namespace lectio
