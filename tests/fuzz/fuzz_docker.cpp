// What the Docker Engine answers of its containers. The parts of an input are what it says one run after the other,
// about the same container: restarts are counted from one to the next.
#include "checks/docker.h"
#include "property.h"

using namespace lectio;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    DockerSettings settings;
    settings.project = "made-up";
    std::map<std::string, std::string> memory;
    Now now{WallTime(Duration(1'769'000'000'000)), Duration(1'000'000), "boot"};
    for (const std::string_view answer : fuzz::parts_of(fuzz::text_of(data, size))) {
        for (const std::string& id : container_ids(answer).value_or(std::vector<std::string>{})) {
            require(!id.empty() && id.find_first_not_of("0123456789abcdef") == std::string::npos,
                    "an id is hexadecimal: it goes into a request");
        }
        DockerSample sample;
        if (const std::optional<DockerContainer> container = container_of(answer)) {
            sample.containers.push_back(*container);
        }
        const CheckResult result = evaluate_docker(sample, settings, now, memory);
        require(!result.message.en.empty() && !result.message.ru.empty(), "a result has words");
        memory = result.memory;
        now.wall += std::chrono::minutes(1);
        now.boot += std::chrono::minutes(1);
    }
    return 0;
}
