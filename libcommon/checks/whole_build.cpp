#include "checks/whole_build.h"

#include "checks/frontend.h"
#include "util/text.h"
#include "words/error_words.h"

#include <set>
#include <utility>

namespace lectio {
namespace {

constexpr Phrase k_missing{"{} is missing", "нет файла {}"};
constexpr Phrase k_empty{"{} is empty", "файл {} пуст"};
constexpr Phrase k_no_file{"{} is not a file", "{} — не файл"};
constexpr Phrase k_names_nothing{"index.html names neither script nor style of its own",
                                 "index.html не ссылается ни на один свой скрипт или стиль"};

constexpr const char* k_index = "index.html";

BuildFlaw why_not(const Error& error, const std::string& name) {
    if (error.kind == ErrorKind::not_found) {
        return {BuildFlaw::Kind::missing, name, say(k_missing, clean_line(name))};
    }
    // There is nothing to be seen in a luckier moment.
    const bool never = error.kind == ErrorKind::invalid;
    return {never ? BuildFlaw::Kind::useless : BuildFlaw::Kind::unseen, name, error_words(error.message)};
}

std::optional<BuildFlaw> flaw_of_file(const Result<FileInfo>& info, const std::string& name) {
    if (!info) {
        return why_not(info.error(), name);
    }
    if (info->type != FileInfo::Type::regular) {
        return BuildFlaw{BuildFlaw::Kind::not_a_file, name, say(k_no_file, clean_line(name))};
    }
    return info->size.count == 0
               ? std::optional(BuildFlaw{BuildFlaw::Kind::empty, name, say(k_empty, clean_line(name))})
               : std::nullopt;
}

void look_at_named(const BuildView& build, const std::string& site, BuildProof& proof) {
    std::set<std::string> seen; // often preloaded and named again
    for (const HtmlAsset& asset : html_assets(*proof.index)) {
        std::optional<std::string> path = local_path(asset.url, site);
        if (!path || !seen.insert(*path).second) {
            continue;
        }
        if (std::optional<BuildFlaw> flaw = flaw_of_file(build.info(*path), *path)) {
            proof.flaws.push_back(std::move(*flaw));
        }
        proof.named.push_back({asset.kind, std::move(*path)});
    }
    if (proof.named.empty()) {
        proof.flaws.push_back({BuildFlaw::Kind::names_nothing, k_index, say(k_names_nothing)});
    }
}

} // namespace

BuildProof prove_build(const BuildView& build, const std::string& site) {
    BuildProof proof;
    const Result<FileInfo> info = build.info(k_index);
    if (std::optional<BuildFlaw> flaw = flaw_of_file(info, k_index)) {
        proof.flaws.push_back(std::move(*flaw));
        return proof;
    }
    proof.built = info->modified;
    Result<std::string> index = build.read(k_index);
    if (!index) {
        proof.flaws.push_back(why_not(index.error(), k_index));
        return proof;
    }
    proof.index = std::move(*index);
    look_at_named(build, site, proof);
    return proof;
}

} // namespace lectio
