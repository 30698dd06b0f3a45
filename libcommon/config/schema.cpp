#include "config/schema.h"

#include "config/homes.h"
#include "config/host_complaint.h"
#include "config/lookalikes.h"
#include "config/meant.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

constexpr Phrase k_did_you_mean{"{}; did you mean \"{}\"?", "{}; может быть, \"{}\"?"};
// Which no eye can see.
constexpr Phrase k_mean_cyrillic{"{}; did you mean \"{}\"? (a letter is Cyrillic)",
                                 "{}; может быть, \"{}\"? (одна из букв русская)"};
constexpr Phrase k_expected{"expected {}, found {}", "ожидается {}, а здесь {}"};
constexpr Phrase k_expected_write{"expected {}, found {}; write {}", "ожидается {}, а здесь {}; напишите {}"};
constexpr Phrase k_single_brackets{
    "expected {}, found a list of tables; write its header in single brackets",
    "ожидается {}, а здесь список таблиц; её заголовок пишется в одинарных скобках"};
constexpr Phrase k_quoted_wrong{"{} {}", "{} — {}"};
constexpr Phrase k_of_key{"{}: {}", "{}: {}"};

constexpr Phrase k_number_words{"a number", "число"};
constexpr Phrase k_whole_number_words{"a whole number", "целое число"};
constexpr Phrase k_true_or_false_words{"true or false", "true или false"};
constexpr Phrase k_text_words{"text", "текст"};
constexpr Phrase k_path_words{"a path", "путь"};
constexpr Phrase k_duration_words{"a duration (\"5s\")", "длительность (\"5s\")"};
constexpr Phrase k_size_words{"a size (\"256MB\")", "размер (\"256MB\")"};
constexpr Phrase k_share_words{"a share (\"10%\")", "доля (\"10%\")"};
constexpr Phrase k_any_amount_words{"a number, share, size or duration",
                                    "число, доля, размер или длительность"};
constexpr Phrase k_with_unit_words{"a number with a unit", "число с единицей"};
constexpr Phrase k_mode_words{"a mode (\"755\")", "права доступа (\"755\")"};
constexpr Phrase k_span_words{"text like \"3 of 5\"", "текст вроде \"3 of 5\""};
constexpr Phrase k_id_words{"a number or text", "число или текст"};
constexpr Phrase k_status_words{"a status (200, [200, 204] or \"2xx\")",
                                "код ответа (200, [200, 204] или \"2xx\")"};
constexpr Phrase k_json_words{"text, a number, true or false, a list or a table",
                              "текст, число, true или false, список или таблица"};
constexpr Phrase k_thresholds_words{"table of thresholds ({{ warn = …, critical = … }})",
                                    "таблица порогов ({{ warn = …, critical = … }})"};
constexpr Phrase k_or{"{} or {}", "{} или {}"};
constexpr Phrase k_list_of{"list of {}", "список {}"};
constexpr Phrase k_table_of{"table of {}", "таблица {}"};

constexpr Phrase k_negative{"must not be negative", "меньше нуля быть не может"};
constexpr Phrase k_no_share{"is out of range: 0% to 100% is allowed", "так нельзя: можно от 0% до 100%"};
constexpr Phrase k_too_large{"is too large", "слишком много"};
constexpr Phrase k_no_duration{"is not a duration", "это не длительность"};
constexpr Phrase k_write_duration{"; write 500ms, 5s, 2m, 1h or 14d", "; напишите 500ms, 5s, 2m, 1h или 14d"};
constexpr Phrase k_no_size{"is not a size", "это не размер"};
constexpr Phrase k_write_size{"; write 100KB, 256MB or 2GB (powers of 1024)",
                              "; напишите 100KB, 256MB или 2GB (степени 1024)"};
constexpr Phrase k_no_amount{"is not {}", "здесь нужно: {}"};
constexpr Phrase k_wrong_unit{"wrong unit: expected {}, found {}", "не та единица: ожидается {}, а здесь {}"};
constexpr Phrase k_no_status{"is no status; write 200, [200, 204] or \"2xx\"",
                             "это не код ответа; напишите 200, [200, 204] или \"2xx\""};
constexpr Phrase k_no_absolute_path{"is not an absolute path (it must begin with /)",
                                    "это не полный путь (он начинается с /)"};
constexpr Phrase k_no_mode{"is not a mode; write three or four octal digits, \"755\"",
                           "это не права доступа; напишите три или четыре восьмеричные цифры, \"755\""};
constexpr Phrase k_no_span{"is not \"N of M\" with 1 to 64 runs; \"\" turns it off",
                           "это не \"N of M\", где запусков от 1 до 64; \"\" выключает"};
constexpr Phrase k_not_allowed{"is not allowed; allowed: {}", "такого значения нет; можно: {}"};
constexpr Phrase k_not_allowed_but{"is not allowed; did you mean \"{}\"? allowed: {}",
                                   "такого значения нет; может быть, \"{}\"? Можно: {}"};
constexpr Phrase k_not_allowed_cyrillic{
    "is not allowed; did you mean \"{}\"? (a letter is Cyrillic) allowed: {}",
    "такого значения нет; может быть, \"{}\"? (одна из букв русская) Можно: {}"};

constexpr Phrase k_out_of_range{"out of range: {} to {} is allowed", "вне границ: можно от {} до {}"};
constexpr Phrase k_number_too_large{"out of range: the number is too large",
                                    "вне границ: число слишком большое"};
constexpr Phrase k_below_zero{"out of range: must not be negative", "вне границ: меньше нуля быть не может"};
constexpr Phrase k_empty_list{"the list must not be empty", "список не должен быть пустым"};
constexpr Phrase k_empty{"must not be empty", "значение не должно быть пустым"};
constexpr Phrase k_no_threshold{"no threshold is given; write warn = …, critical = … or both into the braces",
                                "нет ни одного порога; впишите в скобки warn = …, critical = … или оба"};
constexpr Phrase k_different_units{"warn and critical have different units",
                                   "у warn и critical разные единицы"};
constexpr Phrase k_critical_below{"critical must not lie below warn: more is worse here",
                                  "critical не может быть меньше warn: здесь чем больше, тем хуже"};
constexpr Phrase k_critical_above{"critical must not lie above warn: less is worse here",
                                  "critical не может быть больше warn: здесь чем меньше, тем хуже"};

constexpr Phrase k_belongs_at_top{"unknown key \"{}\": it belongs at the top, before the first [table]",
                                  "неизвестный ключ \"{}\": его место в начале файла, до первой [таблицы]"};
constexpr Phrase k_belongs_in{"unknown key \"{}\": it belongs in [{}]",
                              "неизвестный ключ \"{}\": его место в [{}]"};
constexpr Phrase k_missing_key{"missing key \"{}\"", "не хватает ключа \"{}\""};
constexpr Phrase k_not_built{"\"{}\" is not built yet: ignored", "\"{}\" ещё не сделано: пропускается"};

constexpr Phrase k_no_address{"expected host:port or [address]:port", "ожидается хост:порт или [адрес]:порт"};
constexpr Phrase k_no_url{"expected a URL: http://…, https://… or unix:/socket:/path",
                          "ожидается URL: http://…, https://… или unix:/сокет:/путь"};
constexpr Phrase k_no_path_behind_socket{"of the page behind the socket there is no path: unix:/socket:/path",
                                         "не указан путь страницы за сокетом: unix:/сокет:/путь"};
constexpr Phrase k_no_redis_url{"expected redis://host:port/database or unix:///socket",
                                "ожидается redis://хост:порт/база или unix:///сокет"};
constexpr Phrase k_no_database{"the database behind the / is a number: redis://host:port/0",
                               "база после / — это номер: redis://хост:порт/0"};
constexpr Phrase k_nothing_to_clear{"there is no {} value to clear",
                                    "порога {} нет, и снимать с него нечего"};
constexpr Phrase k_clear_below{"must not lie below the {} value it clears, {}",
                               "не может быть меньше порога {}, который снимается: {}"};
constexpr Phrase k_clear_above{"must not lie above the {} value it clears, {}",
                               "не может быть больше порога {}, который снимается: {}"};
constexpr Phrase k_never_reached{"never reached: it is given up after {} (timeout)",
                                 "до этого не дойдёт: ждать перестают уже через {} (timeout)"};
constexpr Phrase k_no_name{
    "\"{}\" is no name: a-z, 0-9, _ and -, at most 64 characters, not beginning with _ or -",
    "\"{}\" не годится в имя: можно a-z, 0-9, _ и -, не больше 64 знаков, и начинать не с _ и не с -"};

// What stands in the file, as a problem quotes it: never what a reference stands for, which may be a secret.
std::string quoted(const Node& text) {
    return fmt::format("\"{}\"",
                       clean_line(text.written().empty() ? *text.get<std::string>() : text.written()));
}

void wrong_type(const Node& value, const Text& expected, Reading& reading) {
    reading.problems.error(value.position(), say(k_expected, expected, value.type_name()));
}

void wrong_value(const Node& text, const Text& complaint, Reading& reading, std::string suggestion = {}) {
    reading.problems.error(text.position(), say(k_quoted_wrong, quoted(text), complaint),
                           std::move(suggestion));
}

// A number or a word that stands in quotes, or one that should.
void wrong_quotes(const Node& value, const Text& expected, const std::string& meant, Reading& reading) {
    reading.problems.error(value.position(), say(k_expected_write, expected, value.type_name(), meant),
                           meant);
}

// A command as one types it into a shell, word by word. Quotes and backslashes are left to who meant them.
std::string as_list(const Node& text) {
    const std::string whole = quoted(text);
    const std::string inside = whole.substr(1, whole.size() - 2);
    if (inside.find_first_of("\"'\\") != std::string::npos) {
        return fmt::format("[{}]", whole);
    }
    std::string words;
    for (const std::string_view word : split(inside, ' ')) {
        if (!word.empty()) {
            words += fmt::format("{}\"{}\"", words.empty() ? "" : ", ", word);
        }
    }
    return fmt::format("[{}]", words.empty() ? whole : words);
}

void not_a_whole_number(const Node& value, Reading& reading) {
    const auto* text = value.get<std::string>();
    const bool digits = text != nullptr && !text->empty() && text->size() < 18 && value.written().empty() &&
                        text->find_first_not_of("0123456789") == std::string::npos;
    if (digits && (text->front() != '0' || text->size() == 1)) {
        wrong_quotes(value, say(k_whole_number_words), *text, reading);
    } else {
        wrong_type(value, say(k_whole_number_words), reading);
    }
}

// A text that is no amount: too small, too large, or written otherwise than we write it. What comes from a
// variable is not repeated.
void wrong_amount(const Node& value, std::span<const Amount::Unit> units, const Text& complaint,
                  const Text& remedy, Reading& reading) {
    const std::string& text = *value.get<std::string>();
    const std::string meant = value.written().empty() ? meant_amount(text, units) : "";
    if (text.starts_with('-')) {
        wrong_value(value, say(k_negative), reading);
    } else if (!meant.empty() && meant == text) {
        wrong_value(value, say(text.ends_with('%') ? k_no_share : k_too_large), reading);
    } else if (!meant.empty() && parse_amount(meant)) {
        wrong_value(value, say(k_did_you_mean, complaint, meant), reading, meant);
    } else {
        wrong_value(value, join("", {complaint, remedy}), reading);
    }
}

// A bare number where an amount belongs: 5 for "5s". False: it is none.
bool is_bare_number(const Node& value, std::span<const Amount::Unit> units, const Text& expected,
                    Reading& reading) {
    const auto* number = value.get<std::int64_t>();
    const std::string meant =
        number != nullptr && *number >= 0 ? meant_amount(fmt::format("{}", *number), units) : "";
    if (!meant.empty()) {
        wrong_quotes(value, expected, fmt::format("\"{}\"", meant), reading);
    }
    return !meant.empty();
}

Text with_article(const Text& type) {
    const bool vowel = std::string_view("aeiou").find(type.en.front()) != std::string_view::npos;
    return {fmt::format("{} {}", vowel ? "an" : "a", type.en), type.ru};
}

std::string limit_words(const Amount& amount) {
    switch (amount.unit) {
    case Amount::Unit::milliseconds:
        return detail::default_words(Duration{std::llround(amount.value)});
    case Amount::Unit::bytes:
        return detail::default_words(Bytes{static_cast<std::uint64_t>(amount.value)});
    case Amount::Unit::percent:
    case Amount::Unit::number:
        break;
    }
    return format_amount(amount);
}

std::string unquoted(std::string words) {
    std::erase(words, '"');
    return words;
}

std::string join_words(std::span<const std::string_view> words, std::string_view separator) {
    return fmt::format("{}", fmt::join(words, separator));
}

bool within(const Node& value, double number, const Limits& limits, Reading& reading) {
    const bool low = limits.least && number < limits.least->value;
    const bool high = limits.most && number > limits.most->value;
    if (low || high) {
        reading.problems.error(value.position(), say(k_out_of_range, unquoted(limit_words(*limits.least)),
                                                     unquoted(limit_words(*limits.most))));
    }
    return !low && !high;
}

const std::string* expect_text(const Node& value, const Phrase& type, Reading& reading) {
    const auto* text = value.get<std::string>();
    if (text == nullptr) {
        wrong_type(value, say(type), reading);
    }
    return text;
}

// Any text at all: a number only lacks its quotes.
const std::string* expect_any_text(const Node& value, Reading& reading) {
    if (const auto* number = value.get<std::int64_t>()) {
        wrong_quotes(value, say(k_text_words), fmt::format("\"{}\"", *number), reading);
        return nullptr;
    }
    return expect_text(value, k_text_words, reading);
}

Text unit_words(Amount::Unit unit) {
    switch (unit) {
    case Amount::Unit::number:
        break;
    case Amount::Unit::bytes:
        return say(k_size_words);
    case Amount::Unit::percent:
        return say(k_share_words);
    case Amount::Unit::milliseconds:
        return say(k_duration_words);
    }
    return say(k_number_words);
}

Text units_words(std::span<const Amount::Unit> units) {
    Text words;
    for (const Amount::Unit unit : units) {
        words = words.empty() ? unit_words(unit) : say(k_or, words, unit_words(unit));
    }
    return words;
}

// "2xx" or 200
std::optional<StatusSet::Range> status_range(const Node& value, Reading& reading) {
    if (const auto* number = value.get<std::int64_t>()) {
        if (*number >= 100 && *number <= 599) {
            return StatusSet::Range{static_cast<int>(*number), static_cast<int>(*number)};
        }
        reading.problems.error(value.position(), say(k_out_of_range, 100, 599));
        return std::nullopt;
    }
    const auto* text = value.get<std::string>();
    if (text == nullptr) {
        wrong_type(value, say(k_status_words), reading);
        return std::nullopt;
    }
    if (text->size() == 3 && text->front() >= '1' && text->front() <= '5' && text->substr(1) == "xx") {
        const int first = (text->front() - '0') * 100;
        return StatusSet::Range{first, first + 99};
    }
    wrong_value(value, say(k_no_status), reading);
    return std::nullopt;
}

// The value as JSON; nullopt when it holds what JSON has no word for, which is reported.
std::optional<nlohmann::json> to_json(const Node& value, Reading& reading) {
    if (!detail::is_set(value, reading)) {
        return nlohmann::json(nullptr);
    }
    if (const auto* flag = value.get<bool>()) {
        return nlohmann::json(*flag);
    }
    if (const auto* number = value.get<std::int64_t>()) {
        return nlohmann::json(*number);
    }
    if (const auto* number = value.get<double>(); number != nullptr && std::isfinite(*number)) {
        return nlohmann::json(*number);
    }
    if (const auto* text = value.get<std::string>()) {
        return nlohmann::json(*text);
    }
    if (const auto* items = value.get<Node::Array>()) {
        nlohmann::json array = nlohmann::json::array();
        for (const Node& item : *items) {
            if (std::optional<nlohmann::json> element = to_json(item, reading)) {
                array.push_back(std::move(*element));
            }
        }
        return array;
    }
    if (const auto* members = value.get<Node::Table>()) {
        nlohmann::json object = nlohmann::json::object();
        for (const Member& member : *members) {
            if (std::optional<nlohmann::json> element = to_json(member.value.front(), reading)) {
                object[member.key] = std::move(*element);
            }
        }
        return object;
    }
    wrong_type(value, say(k_json_words), reading);
    return std::nullopt;
}

std::vector<std::string_view> all_keys(std::span<const Target> targets,
                                       std::span<const std::string_view> known) {
    std::vector<std::string_view> keys(known.begin(), known.end());
    for (const Target& target : targets) {
        for (const RowHead& row : target.schema->heads()) {
            keys.push_back(row.name);
        }
    }
    return keys;
}

void report_unknown_keys(const Node& table, std::span<const Target> targets,
                         std::span<const std::string_view> known, Reading& reading) {
    const std::vector<std::string_view> keys = all_keys(targets, known);
    const bool is_part =
        targets.size() > 1 ||
        std::any_of(known.begin(), known.end(), [](std::string_view key) { return key == "type"; });
    const Around around = is_part ? Around::part : Around::section;
    for (const Member& member : *table.get<Node::Table>()) {
        if (std::find(keys.begin(), keys.end(), member.key) != keys.end()) {
            continue;
        }
        // Appended to a file it falls into its last table, where nobody looks for the reason. A key that several tables
        // might have had is a slip of another kind, and so is one that resembles what this table has.
        const std::optional<std::string_view> home = home_of(member.key, around);
        const bool is_near = nearest(member.key, keys).has_value();
        const bool is_clear = member.key == "lang" || member.key == "timezone";
        if (home && home->empty() && (is_clear || !is_near)) {
            reading.problems.error(member.key_position, say(k_belongs_at_top, member.key));
        } else if (home && !is_near) {
            reading.problems.error(member.key_position, say(k_belongs_in, member.key, *home));
        } else {
            report_unknown(k_unknown_key, member.key, member.key_position, keys, reading.problems);
        }
    }
}

// True when every key that is there could be read and none is missing.
bool read_target(const Node& table, const Target& target, std::span<const Target> nearer, Reading& reading) {
    const std::size_t problems_before = reading.problems.all().size();
    const std::size_t unset_before = reading.unset.size();
    const std::vector<RowHead>& rows = target.schema->heads();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        // `window` of a log check is a time; of every other check, what they all know.
        if (std::any_of(nearer.begin(), nearer.end(),
                        [&](const Target& other) { return other.schema->has(rows[i].name); })) {
            continue;
        }
        const Node* value = table.find(rows[i].name);
        if (value == nullptr) {
            if (rows[i].required) {
                reading.problems.error(table.position(), say(k_missing_key, rows[i].name));
            }
            continue;
        }
        const auto* text = value->get<std::string>();
        const bool off = text != nullptr && text->empty(); // asks for nothing that could be missed
        const Reading::Later announce = reading.later;
        if (rows[i].later && !off && announce == Reading::Later::announce) {
            reading.problems.warning(value->position(), say(k_not_built, rows[i].name));
            reading.later = Reading::Later::quiet; // all that it holds comes with it
        }
        target.schema->read_row(i, *value, target.object, reading);
        reading.later = announce;
    }
    const auto& problems = reading.problems.all();
    const bool errors =
        std::any_of(problems.begin() + static_cast<std::ptrdiff_t>(problems_before), problems.end(),
                    [](const Problem& problem) { return problem.severity == Problem::Severity::error; });
    return !errors && reading.unset.size() == unset_before;
}

std::string duration_text(Duration value) {
    struct Unit {
        std::int64_t ms;
        std::string_view name;
    };
    for (const Unit unit : {Unit{86400000, "d"}, Unit{3600000, "h"}, Unit{60000, "m"}, Unit{1000, "s"}}) {
        if (value.count() != 0 && value.count() % unit.ms == 0) {
            return fmt::format("{}{}", value.count() / unit.ms, unit.name);
        }
    }
    return value.count() == 0 ? "0s" : fmt::format("{}ms", value.count());
}

std::string size_text(Bytes value) {
    struct Unit {
        std::uint64_t count;
        std::string_view name;
    };
    for (const Unit unit : {Unit{1ULL << 30U, "GB"}, Unit{1ULL << 20U, "MB"}, Unit{1ULL << 10U, "KB"}}) {
        if (value.count != 0 && value.count % unit.count == 0) {
            return fmt::format("{}{}", value.count / unit.count, unit.name);
        }
    }
    return fmt::format("{}B", value.count);
}

bool is_port(std::string_view text) {
    return number_from<std::uint16_t>(text).value_or(0) != 0;
}

bool is_host(std::string_view text) {
    return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) > ' ' &&
               std::string_view("/?#@\\\"<>").find(c) == std::string_view::npos && c != 0x7f;
    });
}

// host, host:port, [v6], [v6]:port
bool is_authority(std::string_view text) {
    std::string_view host = text;
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) {
            return false;
        }
        host = text.substr(1, end - 1);
        port = text.substr(end + 1);
    } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        port = text.substr(colon);
    }
    return is_host(host) && (port.empty() || (port.front() == ':' && is_port(port.substr(1))));
}

std::string_view after_user(std::string_view authority) {
    const std::size_t at = authority.rfind('@');
    return at == std::string_view::npos ? authority : authority.substr(at + 1);
}

} // namespace

bool SchemaBase::has(std::string_view name) const {
    return std::any_of(m_heads.begin(), m_heads.end(),
                       [&](const RowHead& each) { return each.name == name; });
}

void report_unknown(const Phrase& unknown, std::string_view word, Position position,
                    std::span<const std::string_view> candidates, Problems& problems) {
    Text message = say(unknown, clean_line(word));
    const std::string latin = as_latin(word);
    const std::optional<std::string_view> near = nearest(latin, candidates);
    if (near) {
        message = say(latin == word ? k_did_you_mean : k_mean_cyrillic, message, *near);
    }
    problems.error(position, std::move(message), std::string(near.value_or("")));
}

void report(const Complaint& complaint, const Node& table, Reading& reading) {
    const Node* place = &table;
    for (const std::string& key : complaint.keys) {
        const Node* inner = place->find(key);
        place = inner != nullptr ? inner : place;
    }
    complaint.severity == Problem::Severity::error
        ? reading.problems.error(place->position(), complaint.message)
        : reading.problems.warning(place->position(), complaint.message);
}

void read_table(const Node& table, std::span<const Target> targets, Reading& reading,
                std::span<const std::string_view> known) {
    if (detail::expect_table(table, say(detail::k_table), reading) == nullptr) {
        return;
    }
    report_unknown_keys(table, targets, known, reading);
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const Target& target = targets[i];
        if (read_target(table, target, targets.subspan(i + 1), reading)) {
            target.schema->verify(table, target.object, reading);
        }
    }
}

namespace detail {

bool is_set(const Node& value, Reading& reading) {
    if (value.unset().empty()) {
        return true;
    }
    reading.unset.push_back({value.unset(), value.position()});
    return false;
}

const Node::Array* expect_array(const Node& value, const Text& type, Reading& reading) {
    const auto* items = value.get<Node::Array>();
    if (items == nullptr) {
        wrong_type(value, with_article(type), reading);
    }
    return items;
}

const Node::Array* expect_list(const Node& value, const Text& type, Reading& reading) {
    const auto* items = value.get<Node::Array>();
    if (items == nullptr && value.get<std::string>() != nullptr) {
        wrong_quotes(value, with_article(type), as_list(value), reading);
        return nullptr;
    }
    return expect_array(value, type, reading);
}

const Node::Table* expect_table(const Node& value, const Text& type, Reading& reading) {
    const auto* members = value.get<Node::Table>();
    const auto* items = value.get<Node::Array>();
    if (items != nullptr && !items->empty() && items->front().get<Node::Table>() != nullptr) {
        reading.problems.error(value.position(), say(k_single_brackets, with_article(type)));
    } else if (members == nullptr) {
        wrong_type(value, with_article(type), reading);
    }
    return members;
}

void not_a_name(const Member& member, Reading& reading) {
    if (const std::optional<Text> complaint = name_complaint(member.key)) {
        reading.problems.error(member.key_position, *complaint);
    }
}

void wrong_key(const Member& member, std::string_view key, const Text& complaint, Reading& reading) {
    reading.problems.error(member.key_position, say(k_of_key, key, complaint));
}

void wrong_item(const Node& value, std::string_view key, const Text& complaint, Reading& reading) {
    reading.problems.error(value.position(), say(k_of_key, key, complaint));
}

void empty_list(const Node& value, Reading& reading) {
    reading.problems.error(value.position(), say(k_empty_list));
}

void out_of_words(const Node& value, std::span<const std::string_view> words, Reading& reading) {
    const std::string& word = *value.get<std::string>();
    const std::string latin = as_latin(word);
    const std::optional<std::string_view> near = nearest(latin, words);
    const std::string allowed = join_words(words, " | ");
    const Phrase& phrase = latin == word ? k_not_allowed_but : k_not_allowed_cyrillic;
    wrong_value(value, near ? say(phrase, *near, allowed) : say(k_not_allowed, allowed), reading,
                std::string(near.value_or("")));
}

void read_value(const Node& value, bool& target, const Limits& /*limits*/, Reading& reading) {
    const auto* text = value.get<std::string>();
    if (const auto* flag = value.get<bool>()) {
        target = *flag;
    } else if (text != nullptr && (*text == "true" || *text == "false") && value.written().empty()) {
        wrong_quotes(value, say(k_true_or_false_words), *text, reading);
    } else {
        wrong_type(value, say(k_true_or_false_words), reading);
    }
}

void read_value(const Node& value, int& target, const Limits& limits, Reading& reading) {
    const auto* number = value.get<std::int64_t>();
    if (number == nullptr) {
        not_a_whole_number(value, reading);
    } else if (*number < std::numeric_limits<int>::min() || *number > std::numeric_limits<int>::max()) {
        reading.problems.error(value.position(), say(k_number_too_large));
    } else if (within(value, static_cast<double>(*number), limits, reading)) {
        target = static_cast<int>(*number);
    }
}

void read_value(const Node& value, std::int64_t& target, const Limits& limits, Reading& reading) {
    const auto* number = value.get<std::int64_t>();
    if (number == nullptr) {
        not_a_whole_number(value, reading);
    } else if (within(value, static_cast<double>(*number), limits, reading)) {
        target = *number;
    }
}

void read_value(const Node& value, double& target, const Limits& limits, Reading& reading) {
    const auto* whole = value.get<std::int64_t>();
    const auto* number = value.get<double>();
    if ((whole == nullptr && number == nullptr) || (number != nullptr && !std::isfinite(*number))) {
        wrong_type(value, say(k_number_words), reading);
        return;
    }
    const double read = whole != nullptr ? static_cast<double>(*whole) : *number;
    if (within(value, read, limits, reading)) {
        target = read;
    }
}

void read_value(const Node& value, std::string& target, const Limits& limits, Reading& reading) {
    const std::string* text = expect_any_text(value, reading);
    if (text == nullptr) {
        return;
    }
    if (!limits.words.empty() &&
        std::find(limits.words.begin(), limits.words.end(), *text) == limits.words.end()) {
        out_of_words(value, limits.words, reading);
    } else if (limits.not_empty && text->empty()) {
        reading.problems.error(value.position(), say(k_empty));
    } else {
        target = *text;
    }
}

void read_value(const Node& value, Secret& target, const Limits& limits, Reading& reading) {
    std::string text;
    read_value(value, text, limits, reading);
    target = Secret(std::move(text));
}

void read_value(const Node& value, Duration& target, const Limits& limits, Reading& reading) {
    constexpr std::array k_units{Amount::Unit::milliseconds};
    if (is_bare_number(value, k_units, say(k_duration_words), reading)) {
        return;
    }
    const std::string* text = expect_text(value, k_duration_words, reading);
    if (text == nullptr) {
        return;
    }
    if (limits.or_empty && text->empty()) {
        target = Duration{};
        return;
    }
    const Result<Duration> parsed = parse_duration(*text);
    if (!parsed) {
        wrong_amount(value, k_units, say(k_no_duration), say(k_write_duration), reading);
    } else if (within(value, static_cast<double>(parsed->count()), limits, reading)) {
        target = *parsed;
    }
}

void read_value(const Node& value, Bytes& target, const Limits& limits, Reading& reading) {
    const std::string* text = expect_text(value, k_size_words, reading);
    if (text == nullptr) {
        return;
    }
    const Result<Bytes> parsed = parse_size(*text);
    if (!parsed) {
        wrong_amount(value, std::array{Amount::Unit::bytes}, say(k_no_size), say(k_write_size), reading);
    } else if (within(value, static_cast<double>(parsed->count), limits, reading)) {
        target = *parsed;
    }
}

void read_value(const Node& value, std::filesystem::path& target, const Limits& limits, Reading& reading) {
    const std::string* text = expect_text(value, k_path_words, reading);
    if (text == nullptr || (text->empty() && !limits.not_empty)) {
        return;
    }
    if (!text->starts_with('/') || text->find('\0') != std::string::npos) {
        wrong_value(value, say(k_no_absolute_path), reading);
    } else {
        target = *text;
    }
}

void read_value(const Node& value, IdText& target, const Limits& limits, Reading& reading) {
    if (const auto* number = value.get<std::int64_t>()) {
        target.text = fmt::format("{}", *number);
    } else if (value.get<std::string>() != nullptr) {
        read_value(value, target.text, limits, reading);
    } else {
        wrong_type(value, say(k_id_words), reading);
    }
}

void read_value(const Node& value, FileMode& target, const Limits& /*limits*/, Reading& reading) {
    const std::string* text = expect_text(value, k_mode_words, reading);
    if (text == nullptr) {
        return;
    }
    const auto bits = number_from<mode_t>(*text, 8);
    if (!bits || text->size() < 3 || text->size() > 4 || *bits > 07777) {
        wrong_value(value, say(k_no_mode), reading);
    } else {
        target.bits = *bits;
    }
}

void read_value(const Node& value, Span& target, const Limits& /*limits*/, Reading& reading) {
    const std::string* text = expect_text(value, k_span_words, reading);
    if (text == nullptr) {
        return;
    }
    Span span;
    const char* const end = text->data() + text->size();
    const auto some = std::from_chars(text->data(), end, span.some);
    const std::string_view middle(some.ptr, static_cast<std::size_t>(end - some.ptr));
    const bool shaped = some.ec == std::errc{} && middle.starts_with(" of ");
    const auto of = shaped ? std::from_chars(some.ptr + 4, end, span.of) : some;
    // The last runs are kept as the bits of one word (incidents/), hence 64.
    const bool good = shaped && of.ec == std::errc{} && of.ptr == end && span.some >= 1 &&
                      span.some <= span.of && span.of <= 64;
    if (text->empty()) {
        target = Span{};
    } else if (good) {
        target = span;
    } else {
        wrong_value(value, say(k_no_span), reading);
    }
}

void read_value(const Node& value, StatusSet& target, const Limits& /*limits*/, Reading& reading) {
    std::vector<StatusSet::Range> ranges;
    if (const auto* items = value.get<Node::Array>()) {
        if (items->empty()) {
            empty_list(value, reading);
            return;
        }
        for (const Node& item : *items) {
            if (const std::optional<StatusSet::Range> range = status_range(item, reading)) {
                ranges.push_back(*range);
            }
        }
    } else if (const std::optional<StatusSet::Range> range = status_range(value, reading)) {
        ranges.push_back(*range);
    }
    if (!ranges.empty()) {
        target = StatusSet(std::move(ranges));
    }
}

namespace {

bool takes_numbers(const Limits& limits) {
    return limits.units.empty() ||
           std::find(limits.units.begin(), limits.units.end(), Amount::Unit::number) != limits.units.end();
}

void not_an_amount(const Node& value, const Limits& limits, Reading& reading) {
    const std::string& text = *value.get<std::string>();
    if (takes_numbers(limits) && value.written().empty() && parse_amount(text)) { // "50"
        wrong_quotes(value, say(k_number_words), text, reading);
        return;
    }
    const Text expected = limits.units.empty() ? say(k_any_amount_words) : units_words(limits.units);
    wrong_amount(value, limits.units, say(k_no_amount, expected), {}, reading);
}

// 15 for "15%", and "10m" where only sizes are measured.
void wrong_unit(const Node& value, Amount::Unit found, const Limits& limits, Reading& reading) {
    const auto* text = value.get<std::string>();
    const auto* number = value.get<std::int64_t>();
    const std::string written = text != nullptr && value.written().empty() ? *text
                                : number != nullptr                        ? fmt::format("{}", *number)
                                                                           : "";
    const std::string meant = meant_amount(written, limits.units);
    const Text wrong = say(k_wrong_unit, units_words(limits.units), unit_words(found));
    reading.problems.error(value.position(), meant.empty() ? wrong : say(k_did_you_mean, wrong, meant),
                           meant);
}

} // namespace

void read_value(const Node& value, Amount& target, const Limits& limits, Reading& reading) {
    Amount amount;
    if (const auto* whole = value.get<std::int64_t>()) {
        amount.value = static_cast<double>(*whole);
    } else if (const auto* number = value.get<double>(); number != nullptr && std::isfinite(*number)) {
        amount.value = *number;
    } else if (const auto* text = value.get<std::string>()) {
        const Result<Amount> parsed = parse_amount(*text);
        if (!parsed || parsed->unit == Amount::Unit::number) {
            not_an_amount(value, limits, reading);
            return;
        }
        amount = *parsed;
    } else {
        wrong_type(value, limits.units.empty() ? say(k_with_unit_words) : units_words(limits.units), reading);
        return;
    }
    if (!limits.units.empty() &&
        std::find(limits.units.begin(), limits.units.end(), amount.unit) == limits.units.end()) {
        wrong_unit(value, amount.unit, limits, reading);
    } else if (amount.value < 0) {
        reading.problems.error(value.position(), say(k_below_zero));
    } else {
        target = amount;
    }
}

void read_value(const Node& value, Thresholds& target, const Limits& limits, Reading& reading) {
    if (expect_table(value, say(k_thresholds_words), reading) == nullptr) {
        return;
    }
    const std::size_t before = reading.problems.all().size();
    Thresholds read;
    constexpr std::array<std::string_view, 2> k_keys{"warn", "critical"};
    for (const Member& member : *value.get<Node::Table>()) {
        std::optional<Amount>* slot = member.key == k_keys[0]   ? &read.warn
                                      : member.key == k_keys[1] ? &read.critical
                                                                : nullptr;
        const Node& amount = member.value.front();
        if (slot == nullptr) {
            report_unknown(k_unknown_key, member.key, member.key_position, k_keys, reading.problems);
        } else if (is_set(amount, reading)) {
            read_value(amount, slot->emplace(), limits, reading);
        }
    }
    if (reading.problems.all().size() != before) {
        return;
    }
    if (value.get<Node::Table>()->empty() && !limits.or_empty) {
        reading.problems.error(value.position(), say(k_no_threshold));
        return;
    }
    if (read.warn && read.critical && limits.direction != Limits::Direction::any) {
        // Of the two the one from a variable is at fault: the file was right when it was written.
        const bool warn_varies =
            !value.find("warn")->written().empty() && value.find("critical")->written().empty();
        const Node& at_fault = *value.find(warn_varies ? "warn" : "critical");
        const bool grows = limits.direction == Limits::Direction::grows;
        if (read.warn->unit != read.critical->unit) {
            reading.problems.error(at_fault.position(), say(k_different_units));
            return;
        }
        if (grows ? read.critical->value < read.warn->value : read.critical->value > read.warn->value) {
            reading.problems.error(at_fault.position(), say(grows ? k_critical_below : k_critical_above));
            return;
        }
    }
    target = read;
}

void read_value(const Node& value, JsonText& target, const Limits& /*limits*/, Reading& reading) {
    if (const std::optional<nlohmann::json> json = to_json(value, reading)) {
        target.text = json->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }
}

namespace {

constexpr TypeWords k_flag_type{Phrase{"true or false", "true или false"},
                                Phrase{"true or false", "значений true или false"}};
constexpr TypeWords k_whole_number_type{Phrase{"whole number", "целое число"},
                                        Phrase{"whole numbers", "целых чисел"}};
constexpr TypeWords k_number_type{Phrase{"number", "число"}, Phrase{"numbers", "чисел"}};
constexpr TypeWords k_text_type{Phrase{"text", "текст"}, Phrase{"texts", "текстов"}};
constexpr TypeWords k_secret_type{Phrase{"secret", "секрет"}, Phrase{"secrets", "секретов"}};
constexpr TypeWords k_duration_type{Phrase{"duration", "длительность"}, Phrase{"durations", "длительностей"}};
constexpr TypeWords k_size_type{Phrase{"size", "размер"}, Phrase{"sizes", "размеров"}};
constexpr TypeWords k_path_type{Phrase{"path", "путь"}, Phrase{"paths", "путей"}};
constexpr TypeWords k_id_type{Phrase{"number or text", "число или текст"},
                              Phrase{"number or text", "чисел или текстов"}};
constexpr TypeWords k_mode_type{Phrase{"mode", "права доступа"}, Phrase{"modes", "прав доступа"}};
constexpr TypeWords k_span_type{Phrase{"N of M", "N of M"}, Phrase{"N of M", "N of M"}};
constexpr TypeWords k_status_type{Phrase{"status", "код ответа"}, Phrase{"statuses", "кодов ответа"}};
constexpr TypeWords k_amount_type{Phrase{"amount", "величина"}, Phrase{"amounts", "величин"}};
constexpr TypeWords k_thresholds_type{Phrase{"thresholds", "пороги"}, Phrase{"thresholds", "порогов"}};
constexpr TypeWords k_json_type{Phrase{"any value", "любое значение"}, Phrase{"any value", "любых значений"}};

} // namespace

const TypeWords& type_words(const bool* /*tag*/) {
    return k_flag_type;
}
const TypeWords& type_words(const int* /*tag*/) {
    return k_whole_number_type;
}
const TypeWords& type_words(const std::int64_t* /*tag*/) {
    return k_whole_number_type;
}
const TypeWords& type_words(const double* /*tag*/) {
    return k_number_type;
}
const TypeWords& type_words(const std::string* /*tag*/) {
    return k_text_type;
}
const TypeWords& type_words(const Secret* /*tag*/) {
    return k_secret_type;
}
const TypeWords& type_words(const Duration* /*tag*/) {
    return k_duration_type;
}
const TypeWords& type_words(const Bytes* /*tag*/) {
    return k_size_type;
}
const TypeWords& type_words(const std::filesystem::path* /*tag*/) {
    return k_path_type;
}
const TypeWords& type_words(const IdText* /*tag*/) {
    return k_id_type;
}
const TypeWords& type_words(const FileMode* /*tag*/) {
    return k_mode_type;
}
const TypeWords& type_words(const Span* /*tag*/) {
    return k_span_type;
}
const TypeWords& type_words(const StatusSet* /*tag*/) {
    return k_status_type;
}
const TypeWords& type_words(const Amount* /*tag*/) {
    return k_amount_type;
}
const TypeWords& type_words(const Thresholds* /*tag*/) {
    return k_thresholds_type;
}
const TypeWords& type_words(const JsonText* /*tag*/) {
    return k_json_type;
}

std::string default_words(bool value) {
    return value ? "true" : "false";
}
std::string default_words(int value) {
    return fmt::format("{}", value);
}
std::string default_words(std::int64_t value) {
    return fmt::format("{}", value);
}
std::string default_words(double value) {
    return fmt::format("{}", value);
}
std::string default_words(const std::string& value) {
    return fmt::format("\"{}\"", value);
}
std::string default_words(const Secret& /*value*/) {
    return "\"\"";
}
std::string default_words(const Duration& value) {
    return fmt::format("\"{}\"", duration_text(value));
}
std::string default_words(const Bytes& value) {
    return fmt::format("\"{}\"", size_text(value));
}
std::string default_words(const std::filesystem::path& value) {
    return fmt::format("\"{}\"", value.string());
}
std::string default_words(const IdText& value) {
    return default_words(value.text);
}
std::string default_words(const FileMode& value) {
    return fmt::format("\"{:o}\"", value.bits);
}
std::string default_words(const Span& value) {
    return value.of == 0 ? "\"\"" : fmt::format("\"{} of {}\"", value.some, value.of);
}
std::string default_words(const StatusSet& value) {
    return fmt::format("\"{}\"", value.words());
}
std::string default_words(const Amount& value) {
    switch (value.unit) {
    case Amount::Unit::percent:
        return fmt::format("\"{}%\"", value.value);
    case Amount::Unit::bytes:
        return default_words(Bytes{static_cast<std::uint64_t>(value.value)});
    case Amount::Unit::milliseconds:
        return default_words(Duration{std::llround(value.value)});
    case Amount::Unit::number:
        break;
    }
    return fmt::format("{}", value.value);
}
std::string default_words(const Thresholds& value) {
    std::string words;
    if (value.warn) {
        words += "warn = " + default_words(*value.warn);
    }
    if (value.critical) {
        words += (words.empty() ? "critical = " : ", critical = ") + default_words(*value.critical);
    }
    return words.empty() ? "{}" : "{ " + words + " }";
}
std::string default_words(const JsonText& value) {
    return value.text;
}

std::string range_words(const Limits& limits) {
    if (!limits.words.empty()) {
        return join_words(limits.words, " | ");
    }
    if (limits.least && limits.most) {
        return fmt::format("{} to {}", unquoted(limit_words(*limits.least)),
                           unquoted(limit_words(*limits.most)));
    }
    return units_words(limits.units).en;
}

Text type_text(const TypeWords& item, Wrapping wrapping, Single single) {
    if (wrapping == Wrapping::none) {
        return say(item.one);
    }
    const Text whole = say(wrapping == Wrapping::list ? k_list_of : k_table_of, say(item.many));
    return single == Single::allowed ? say(k_or, say(item.one), whole) : whole;
}

Amount limit(std::chrono::milliseconds value) {
    return {Amount::Unit::milliseconds, static_cast<double>(value.count())};
}
Amount limit(Bytes value) {
    return {Amount::Unit::bytes, static_cast<double>(value.count)};
}

} // namespace detail

std::optional<Text> address_complaint(const std::string& text) {
    const bool has_port = text.find(':') != std::string::npos && !text.ends_with(']');
    if (has_port && is_authority(text)) {
        return foreign_host_complaint(text);
    }
    return say(k_no_address);
}

std::optional<Text> http_url_complaint(const std::string& text) {
    constexpr std::string_view k_socket = "unix:/";
    if (text.starts_with(k_socket)) { // unix:/run/app.sock:/path
        const bool has_both = text.find(":/", k_socket.size() + 1) != std::string::npos;
        return has_both ? std::nullopt : std::optional(say(k_no_path_behind_socket));
    }
    const std::size_t scheme = text.find("://");
    if (scheme != std::string::npos &&
        (text.substr(0, scheme) == "http" || text.substr(0, scheme) == "https")) {
        const std::string_view rest = std::string_view(text).substr(scheme + 3);
        const bool blank = std::any_of(text.begin(), text.end(),
                                       [](char c) { return static_cast<unsigned char>(c) <= ' '; });
        const std::string_view authority = after_user(rest.substr(0, rest.find_first_of("/?#")));
        if (!blank && is_authority(authority)) {
            return foreign_host_complaint(std::string(authority));
        }
    }
    return say(k_no_url);
}

// As parse_redis_url() (platform/) will read it; called here it would link hiredis to every tool.
std::optional<Text> redis_url_complaint(const std::string& text) {
    for (const std::string_view scheme : {"redis://", "rediss://"}) {
        if (!text.starts_with(scheme)) {
            continue;
        }
        std::string_view rest = std::string_view(text).substr(scheme.size());
        rest = after_user(rest.substr(0, rest.find('?')));
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        const std::string_view database = rest.substr(std::min(slash + 1, rest.size()));
        if (!is_authority(rest.substr(0, slash))) {
            break;
        }
        const bool is_number = number_from<int>(database).value_or(-1) >= 0;
        return database.empty() || is_number ? std::nullopt : std::optional(say(k_no_database));
    }
    if (text.starts_with("unix:///") || text.starts_with("redis+socket:///")) {
        return std::nullopt;
    }
    return say(k_no_redis_url);
}

std::vector<Complaint> clear_complaints(const Thresholds& raise, const Thresholds& clear,
                                        Limits::Direction direction) {
    std::vector<Complaint> complaints;
    const auto judge = [&](const char* level, const std::optional<Amount>& threshold,
                           const std::optional<Amount>& value) {
        if (!value) {
            return;
        }
        if (!threshold) {
            complaints.push_back({{"clear", level}, say(k_nothing_to_clear, level)});
        } else if (threshold->unit == value->unit) { // of 10% and 2GB only the disk knows which is more
            const bool runs_out = direction == Limits::Direction::runs_out;
            if (runs_out ? value->value < threshold->value : value->value > threshold->value) {
                complaints.push_back({{"clear", level},
                                      say(runs_out ? k_clear_below : k_clear_above, level,
                                          unquoted(detail::default_words(*threshold)))});
            }
        }
    };
    judge("warn", raise.warn, clear.warn);
    judge("critical", raise.critical, clear.critical);
    return complaints;
}

std::vector<Complaint> max_time_complaints(Duration max_time, Duration timeout) {
    if (max_time <= timeout) {
        return {};
    }
    return {{{"max_time"}, say(k_never_reached, detail::default_words(timeout)), Problem::Severity::warning}};
}

std::optional<Text> name_complaint(const std::string& text) {
    if (is_name(text)) {
        return std::nullopt;
    }
    return say(k_no_name, clean_line(text));
}

} // namespace lectio
