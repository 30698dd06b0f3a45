// What workers answer over the broker, where anybody who can write to it may answer: kombu's envelope, the base64 and
// the JSON in it. The parts of an input are several answers.
#include "checks/celery.h"
#include "property.h"

using namespace lectio;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    CelerySettings settings;
    settings.consumed = {"celery"};
    CelerySample sample;
    for (const std::string_view envelope : fuzz::parts_of(fuzz::text_of(data, size))) {
        ++sample.listening;
        if (const std::optional<WorkerAnswer> answer = worker_answer(envelope)) {
            sample.answered[answer->worker] = answer->queues;
        }
    }
    const CheckResult result = evaluate_celery(sample, settings);
    require(result.status != Status::ok || !sample.answered.empty(), "good only where a worker has answered");
    require(!result.message.en.empty() && result.message.en.size() < 2000, "a result has few words");
    return 0;
}
