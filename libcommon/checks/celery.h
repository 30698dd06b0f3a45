// celery: workers answer, and every queue that must be worked off has one. Asked over Redis in the words of kombu's
// pidbox, without Python: 1–2 ms instead of the second that `celery inspect ping` takes (FACTS).
//
// The protocol (kombu 5, transport/redis.py and pidbox.py): a fanout message is PUBLISHed to /DB.celery.pidbox; each
// worker answers into the list that is bound to our routing key in the set _kombu.binding.reply.celery.pidbox.
#pragma once

#include "checks/check_type.h"
#include "platform/redis.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct CelerySettings {
    Secret broker;
    int workers = 1;
    std::vector<std::string> consumed;
    Duration timeout{3'000};
};

struct CelerySample {
    std::optional<Error> failure; // of the broker: the workers could not be asked
    std::int64_t listening = 0;   // connections that got the question
    std::map<std::string, std::set<std::string>>
        answered; // by worker ("celery@host"): its queues, if asked for them
    Duration took{};
};

// Pure.
CheckResult evaluate_celery(const CelerySample& sample, const CelerySettings& settings);

// The envelope that is published: `method` is "ping" or "active_queues", the answers go to `reply_to` (a UUID); `tag`
// is another one. Workers drop it after `expires` (seconds since 1970).
std::string control_message(const std::string& method, const std::string& reply_to, const std::string& tag,
                            std::int64_t expires);

struct WorkerAnswer {
    std::string worker;
    std::set<std::string> queues;
};
// What a worker answered to either; nothing when it is no such answer.
std::optional<WorkerAnswer> worker_answer(std::string_view envelope);

CheckType celery_check_type();

} // namespace lectio
