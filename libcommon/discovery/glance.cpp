#include "discovery/glance.h"

#include "platform/stranded.h"
#include "util/text.h"

#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

// A real host needs some hundreds. Time alone would not do: how much is read must not depend on how busy the host is.
constexpr std::size_t k_most_looks = 20'000;

constexpr Phrase k_may_hang{"{} was not looked at: {} ({}) may hang",
                            "{} пропущено при осмотре: {} ({}) может не ответить"};
constexpr Phrase k_no_time{"there was no time to look at everything: {} and what follows was left out",
                           "времени на полный осмотр не хватило: пропущено {} и то, что дальше"};
constexpr Phrase k_too_much{"there is too much to look at: {} and what follows was left out",
                            "слишком много файлов для осмотра: пропущено {} и то, что дальше"};

} // namespace

Glance::Glance(Files& files, std::vector<Mount> mounts, Clock& clock, SteadyTime end)
    : m_files(files), m_mounts(std::move(mounts)), m_clock(clock), m_end(end) {}

Result<FileInfo> Glance::info(const Path& path) {
    LECTIO_TRY(may_touch(path));
    return m_files.info(path, Files::Follow::yes);
}

Result<std::string> Glance::read(const Path& path, Bytes limit) {
    LECTIO_TRY(may_touch(path));
    return m_files.read(path, limit);
}

Result<std::vector<std::string>> Glance::list(const Path& folder) {
    LECTIO_TRY(may_touch(folder));
    Result<std::vector<std::string>> names = m_files.list(folder);
    m_looks += names ? names->size() : 0;
    return names;
}

Result<void> Glance::may_touch(const Path& path) {
    const std::string shown = shorten(clean_line(path.string()), 120);
    if (++m_looks > k_most_looks) {
        miss(m_told.contains("limit") ? Text{} : say(k_too_much, shown));
        m_told.insert("limit");
        return Error{ErrorKind::too_large, "discovery has looked at enough"};
    }
    if (m_clock.steady() >= m_end) {
        miss(m_told.contains("limit") ? Text{} : say(k_no_time, shown));
        m_told.insert("limit");
        return Error{ErrorKind::timeout, "discovery has no more time"};
    }
    if (const std::optional<Mount> mount = mount_that_may_hang(path, m_mounts)) {
        const std::string folder = clean_line(mount->folder);
        miss(m_told.insert("mount " + folder).second ? say(k_may_hang, shown, folder, clean_line(mount->type))
                                                     : Text{});
        return Error{ErrorKind::busy, fmt::format("{} may hang", folder)};
    }
    return {};
}

void Glance::miss(Text what) {
    if (!what.empty()) {
        m_missed.push_back(std::move(what));
    }
}

} // namespace lectio
