// What visitors get while migrations take long (`--maintenance`): nginx answers 503 with this page as long as its file is
// there (README, "Migrations that take long"). Whoever reads it needs no rights: it says nothing about the release.
#pragma once

#include "platform/files.h"
#include "util/result.h"
#include "words/phrase.h"

#include <optional>
#include <string>
#include <utility>

namespace lectio::release {

class MaintenancePage {
  public:
    // `place`: as nginx knows it, in a folder that is there; empty: none is configured, and nothing is done.
    MaintenancePage(Files& files, Path place, Lang lang)
        : m_files(files), m_place(std::move(place)), m_lang(lang) {}

    // Both: why not; nothing: it is done, or was already, by whichever deploy. What a person has put there is not ours.
    std::optional<Text> put_up();
    std::optional<Text> take_down();
    // Stands in ours and in no other page.
    [[nodiscard]] static std::string mark();

  private:
    Result<bool> is_ours();
    Files& m_files;
    Path m_place;
    Lang m_lang;
};

} // namespace lectio::release
