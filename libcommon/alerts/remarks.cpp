#include "alerts/remarks.h"

#include "alerts/message_json.h"
#include "util/fnv1a.h"

#include <limits>
#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_perhaps_again{
    "Perhaps you have read this already: the answer to its first sending was lost.",
    "Возможно, это повтор: ответ на первую отправку потерялся."};
constexpr Phrase k_left_out{"… left out: {} bytes; the whole text is in {}",
                            "… пропущено байт: {}; весь текст: {}"};

Line plain_line(std::string text) {
    return {Line::Form::text, {{Piece::Kind::plain, std::move(text)}}};
}

bool continues(char byte) { // within a character of UTF-8
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

} // namespace

std::vector<Line> lines_of(const Draft& draft, Lang lang) {
    std::vector<Line> lines;
    lines.push_back({Line::Form::text, {{Piece::Kind::bold, draft.message.title}}});
    lines.insert(lines.end(), draft.message.lines.begin(), draft.message.lines.end());
    for (const Text* remark : {&draft.late, &draft.told_elsewhere, &draft.unstored}) {
        if (!remark->empty()) {
            lines.push_back(plain_line(remark->in(lang)));
        }
    }
    if (draft.maybe_again) {
        lines.push_back(plain_line(std::string(k_perhaps_again.in(lang))));
    }
    return lines;
}

std::string fitted(const std::string& text, Lang lang, std::size_t most, const std::string& rest) {
    if (text.size() <= most) {
        return text;
    }
    std::size_t head = most * 2 / 3;
    std::size_t tail = text.size() - most / 4;
    while (head > 0 && continues(text[head])) {
        --head;
    }
    while (tail < text.size() && continues(text[tail])) {
        ++tail;
    }
    return fmt::format("{}\n{}\n{}", text.substr(0, head), say(k_left_out, tail - head, rest).in(lang),
                       text.substr(tail));
}

std::string text_of(const Draft& draft, Lang lang, std::size_t most, const std::string& rest) {
    std::string text;
    for (const Line& line : lines_of(draft, lang)) {
        for (const Piece& piece : line.pieces) {
            text += piece.text;
        }
        text += '\n';
    }
    return fitted(text, lang, most, rest);
}

std::int64_t number_of(const Message& message) {
    constexpr std::uint64_t k_positive = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(fnv1a(to_json(message)) & k_positive);
}

std::string id_of(const Message& message) {
    return fmt::format("{:016x}", number_of(message));
}

} // namespace lectio
