#include "release/maintenance_page.h"

#include "platform/durable_file.h"
#include "words/error_words.h"

#include <fmt/format.h>

namespace lectio::release {
namespace {

constexpr Bytes k_longest_page = 1_MB;
constexpr std::string_view k_mark = "lectio-deploy maintenance";
constexpr Phrase k_title{"We will be back in a few minutes", "Скоро вернёмся"};
constexpr Phrase k_words{"The site is being updated. This page asks again by itself.",
                         "Сайт обновляется. Страница проверит сама и откроется, когда всё будет готово."};
constexpr Phrase k_not_ours{"{} is there already, and is no page of lectio-deploy",
                            "{} уже есть, и это не страница lectio-deploy"};

std::string page_in(Lang lang) {
    return fmt::format(R"(<!DOCTYPE html>
<html lang="{}">
<head>
<meta charset="utf-8">
<meta name="generator" content="{}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="15">
<title>{}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 20vh auto; padding: 0 1.5rem; }}
h1 {{ font-size: 1.6rem; }}
</style>
</head>
<body>
<h1>{}</h1>
<p>{}</p>
</body>
</html>
)",
                       lang == Lang::ru ? "ru" : "en", k_mark, say(k_title).in(lang), say(k_title).in(lang),
                       say(k_words).in(lang));
}

} // namespace

std::string MaintenancePage::mark() {
    return std::string(k_mark);
}

Result<bool> MaintenancePage::is_ours() {
    const Result<std::string> text = m_files.read(m_place, k_longest_page);
    if (!text && text.error().kind == ErrorKind::not_found) {
        return false;
    }
    LECTIO_TRY(text);
    return text->find(k_mark) != std::string::npos;
}

std::optional<Text> MaintenancePage::put_up() {
    const Result<bool> ours = is_ours();
    if (!ours) {
        return error_words(ours.error().message);
    }
    if (!*ours && m_files.info(m_place, Files::Follow::no)) {
        return say(k_not_ours, m_place.string());
    }
    constexpr mode_t k_for_all_to_read = 0644;
    const Result<void> done = write_atomically(m_files, m_place, page_in(m_lang), k_for_all_to_read);
    return done ? std::nullopt : std::optional(error_words(done.error().message));
}

std::optional<Text> MaintenancePage::take_down() {
    if (m_place.empty()) {
        return std::nullopt;
    }
    const Result<bool> ours = is_ours();
    const Result<void> done = !ours ? ours.error() : *ours ? m_files.remove(m_place) : Result<void>{};
    return done ? std::nullopt : std::optional(error_words(done.error().message));
}

} // namespace lectio::release
