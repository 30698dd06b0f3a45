#include "release/frontend_part.h"

#include "release/assets.h"
#include "words/error_words.h"

#include <algorithm>

namespace lectio::release {
namespace {

constexpr Phrase k_carrying{"carried on for open pages: {}", "для открытых вкладок сохранено: {}"};
constexpr Phrase k_not_carried{"not carried on for open pages: {}", "не сохранено для открытых вкладок: {}"};
constexpr Noun k_files{"file", "files", "файл", "файла", "файлов"};

} // namespace

Part::Step FrontendPart::dress(const Path& staging, const Draft& draft, const Voice& voice) {
    Release& release = draft.release;
    if (draft.live != nullptr) {
        if (const Result<TreeManifest> own = m_shelf.manifest(draft.live->id)) {
            release.carried =
                carried_on(*draft.live, *own, draft.manifest, draft.releases,
                           static_cast<std::size_t>(m_settings.keep), m_settings.keep_assets, release.made);
        }
    }
    std::vector<std::string> names, unhashed;
    for (const Carried& file : release.carried) {
        names.push_back(file.path);
    }
    for (const TreeEntry& entry : draft.manifest.entries) {
        if (entry.type == TreeEntry::Type::file && !has_content_hash(entry.path)) {
            unhashed.push_back(entry.path);
        }
    }
    if (!names.empty()) {
        const Result<std::vector<std::string>> left =
            m_disk.link_files(m_shelf.tree(draft.live->id), staging, names);
        if (!left) {
            return Refusal{error_words(left.error().message)};
        }
        std::erase_if(release.carried, [&](const Carried& file) {
            return std::find(left->begin(), left->end(), file.path) != left->end();
        });
        voice.progress(say(k_carrying, counted(static_cast<std::int64_t>(release.carried.size()), k_files)));
    }
    // nginx makes the ETag of time and size: a page of the same size with the time of the build before would be
    // answered with 304, and browsers would go on with the old one (RELEASES_AND_BACKUPS, M5).
    Result<void> done = m_disk.touch(staging, unhashed, release.made);
    if (done) {
        const Result<TreeRepair> rights = m_disk.set_rights(staging, m_settings.rules);
        done = !rights              ? Result<void>(rights.error())
               : rights->failed > 0 ? Result<void>(Error{ErrorKind::permission, rights->first_failure})
                                    : Result<void>{};
    }
    if (!done) {
        return Refusal{error_words(done.error().message)};
    }
    if (const std::optional<Flaw> hidden = m_inspector.hidden_from_visitors(staging)) {
        return Refusal{hidden->words, hidden->hint};
    }
    return {};
}

// Visitors may have pages of the release that goes: its files are served on by the one that comes, which is there already.
void FrontendPart::carry(const std::string& going, const std::string& coming, const Voice& voice) {
    const Result<Shelf::Records> records = m_shelf.records();
    const Result<TreeManifest> own_of_going = m_shelf.manifest(going);
    const Result<TreeManifest> own_of_coming = m_shelf.manifest(coming);
    const Release* from = records ? find(records->releases, going) : nullptr;
    const Release* to = records ? find(records->releases, coming) : nullptr;
    if (from == nullptr || to == nullptr || !own_of_going || !own_of_coming) {
        return; // going back does not wait for that
    }
    Release kept = *to;
    std::vector<std::string> names;
    for (const Carried& file :
         carried_on(*from, *own_of_going, *own_of_coming, records->releases,
                    static_cast<std::size_t>(m_settings.keep), m_settings.keep_assets, m_clock.now().wall)) {
        const bool there = std::any_of(kept.carried.begin(), kept.carried.end(),
                                       [&](const Carried& had) { return had.path == file.path; });
        if (!there) {
            names.push_back(file.path);
            kept.carried.push_back(file);
        }
    }
    // The record first: a file that is there and not known would be taken for somebody's work.
    if (!names.empty() && m_shelf.keep(kept)) {
        const Result<std::vector<std::string>> left =
            m_disk.link_files(m_shelf.tree(going), m_shelf.tree(coming), names);
        if (!left) {
            voice.warnings.push_back(say(k_not_carried, error_words(left.error().message)));
        }
    }
}

} // namespace lectio::release
