#include "checks/reboot.h"

#include "checks/findings.h"
#include "platform/host.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <cstring>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lectio {
namespace {

constexpr std::size_t k_shown_packages = 5;
constexpr Bytes k_small = 64_kB;
constexpr std::string_view k_image = "vmlinuz-";

constexpr Phrase k_no_need{"no reboot is waiting, kernel {}", "перезагрузка не нужна, ядро {}"};
constexpr Phrase k_needed{"a reboot is waiting", "сервер ждёт перезагрузки"};
constexpr Phrase k_needed_for{"a reboot is waiting, for {}", "сервер ждёт перезагрузки ради {}"};
constexpr Phrase k_and_more{"{} and {} more", "{} и ещё {}"};
constexpr Phrase k_old_kernel{"kernel {} runs, {} is installed", "работает ядро {}, а установлено {}"};
constexpr Phrase k_why{"until then the holes that the update closed stay open",
                       "до неё дыры, закрытые обновлением, остаются открытыми"};
constexpr Phrase k_mend{"at a quiet hour: lectio-notify maintenance 15m && systemctl reboot",
                        "в тихий час: lectio-notify maintenance 15m && systemctl reboot"};
constexpr Phrase k_cannot_look{"unable to see whether a reboot is waiting: {}",
                               "не удалось узнать, нужна ли перезагрузка: {}"};

const Schema<RebootSettings>& reboot_schema() {
    static const Schema<RebootSettings> schema{};
    return schema;
}

// not_found is an answer: there is no such file.
Result<std::string> content_or_none(Files& files, const Path& path) {
    Result<std::string> content = files.read(path, k_small);
    return !content && content.error().kind == ErrorKind::not_found ? Result<std::string>(std::string())
                                                                    : std::move(content);
}

// As dpkg's order for kernels: digits by value, so that -9 is before -10.
bool is_newer(const std::string& a, const std::string& b) {
    return ::strverscmp(a.c_str(), b.c_str()) > 0;
}

Text package_words(const std::vector<std::string>& packages) {
    const std::vector<std::string> shown(
        packages.begin(),
        packages.begin() + static_cast<std::ptrdiff_t>(std::min(packages.size(), k_shown_packages)));
    const Text words = verbatim(fmt::format("{}", fmt::join(shown, ", ")));
    return packages.size() > shown.size() ? say(k_and_more, words, packages.size() - shown.size()) : words;
}

class RebootCheck final : public BlockingCheck {
  public:
    explicit RebootCheck(RebootSettings) {}

    CheckResult run(const CheckContext& context) const override {
        const Result<RebootSample> sample = look_for_reboot(context.world.files);
        if (!sample) {
            CheckResult result;
            result.message = say(k_cannot_look, error_words(sample.error().message));
            return result;
        }
        return evaluate_reboot(*sample);
    }
};

} // namespace

Result<RebootSample> look_for_reboot(Files& files, const Path& root) {
    RebootSample sample;
    sample.asked_for = files.info(root / "run/reboot-required").ok();
    const Result<std::string> packages = content_or_none(files, root / "run/reboot-required.pkgs");
    LECTIO_TRY(packages);
    std::set<std::string> seen; // each is written down once more by each of its updates
    for (const std::string_view line : split_lines(*packages)) {
        if (std::string name = clean_line(line); !name.empty() && seen.insert(name).second) {
            sample.packages.push_back(std::move(name));
        }
    }
    const Result<std::string> running = files.read(root / "proc/sys/kernel/osrelease", k_small);
    LECTIO_TRY(running);
    sample.running = clean_line(*running);
    const Result<std::vector<std::string>> images = files.list(root / "boot");
    for (const std::string& name : images.value_or({})) { // a container has no /boot
        if (name.starts_with(k_image)) {
            sample.installed.push_back(clean_line(name.substr(k_image.size())));
        }
    }
    return sample;
}

CheckResult evaluate_reboot(const RebootSample& sample) {
    std::vector<Finding> findings;
    if (sample.asked_for) {
        findings.push_back(
            {Status::warning,
             sample.packages.empty() ? say(k_needed) : say(k_needed_for, package_words(sample.packages)),
             say(k_why), say(k_mend)});
    }
    const auto newest = std::max_element(sample.installed.begin(), sample.installed.end(),
                                         [](const auto& a, const auto& b) { return is_newer(b, a); });
    // A kernel that is not among the images is none of ours: a container's host's, a provider's own.
    const bool known =
        std::find(sample.installed.begin(), sample.installed.end(), sample.running) != sample.installed.end();
    if (known && is_newer(*newest, sample.running)) {
        findings.push_back(
            {Status::warning, say(k_old_kernel, sample.running, *newest), say(k_why), say(k_mend)});
    }
    return result_of(std::move(findings), say(k_no_need, sample.running));
}

CheckType reboot_check_type() {
    return make_check_type<reboot_schema, RebootCheck>("reboot", Layer::other, Recheck::no,
                                                       "no update waits for a reboot");
}

} // namespace lectio
