#include "store/history_format.h"

#include "util/number.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr char k_same_numbers = '\x02'; // begins a text whose numbers are those of the text before it
constexpr char k_between_fields = '\x1F';
constexpr char k_between_metrics = '\x1E';

constexpr std::size_t k_longest_text = 500;
constexpr std::size_t k_longest_evidence = 200;

class WordsAndNumbers {
  public:
    void add(std::string_view text) {
        PackedText packed = pack_text(text);
        if (m_fields++ > 0) {
            m_words += k_between_fields;
        }
        // What is said twice, in Russian and in English, brings its numbers once.
        if (!packed.numbers.empty() && packed.numbers == m_last) {
            m_words += k_same_numbers;
        } else {
            m_numbers.insert(m_numbers.end(), packed.numbers.begin(), packed.numbers.end());
        }
        m_words += packed.words;
        m_last = std::move(packed.numbers);
    }

    std::string m_words;
    std::vector<std::uint64_t> m_numbers;

  private:
    int m_fields = 0;
    std::vector<std::uint64_t> m_last;
};

// "" = no limit
std::string limit_text(const std::optional<double>& limit) {
    return limit ? fmt::format("{}", *limit) : std::string();
}

// Names and units may come from a plugin of somebody else's.
std::string plain(std::string_view text) {
    return shorten(clean_line(text), 100);
}

std::string metrics_text(const std::vector<RecordedMetric>& metrics) {
    std::string text;
    for (const RecordedMetric& metric : metrics) {
        if (!text.empty()) {
            text += k_between_metrics;
        }
        for (const std::string& field : {plain(metric.name), plain(metric.unit), limit_text(metric.warn)}) {
            text += field;
            text += k_between_fields;
        }
        text += limit_text(metric.crit);
    }
    return text;
}

std::vector<RecordedMetric> metrics_of(const LookForm& form, const std::vector<double>& values) {
    std::vector<RecordedMetric> metrics;
    if (form.metrics.empty()) {
        return metrics;
    }
    for (const std::string_view each : split(form.metrics, k_between_metrics)) {
        const std::vector<std::string_view> fields = split(each, k_between_fields);
        const std::size_t index = metrics.size();
        if (fields.size() != 4 || index >= values.size()) {
            break;
        }
        metrics.push_back({std::string(fields[0]), std::string(fields[1]), values[index],
                           number_from<double>(fields[2]), number_from<double>(fields[3])});
    }
    return metrics;
}

} // namespace

std::string for_keeping(std::string_view text) {
    return shorten(to_utf8(redact(text)), k_longest_text);
}

std::size_t LookForm::places() const {
    if (words.find(k_same_numbers) == std::string::npos) {
        return places_in(words);
    }
    std::size_t count = 0;
    for (const std::string_view field : split(words, k_between_fields)) {
        count += field.starts_with(k_same_numbers) ? 0 : places_in(field);
    }
    return count;
}

std::size_t LookForm::figures() const {
    const auto more = std::count(metrics.begin(), metrics.end(), k_between_metrics);
    return metrics.empty() ? 0 : static_cast<std::size_t>(more) + 1;
}

DividedLook divide(const RecordedLook& look) {
    WordsAndNumbers texts;
    for (const std::string* text : {&look.message.en, &look.message.ru, &look.hint.en, &look.hint.ru}) {
        texts.add(for_keeping(*text));
    }
    texts.add(shorten(for_keeping(look.evidence), k_longest_evidence));
    DividedLook divided;
    divided.form = {look.check,
                    look.type,
                    look.cause,
                    look.status,
                    look.shown,
                    look.remedy,
                    look.passing,
                    std::move(texts.m_words),
                    metrics_text(look.metrics)};
    divided.figures.took = look.took;
    divided.figures.numbers = std::move(texts.m_numbers);
    for (const RecordedMetric& metric : look.metrics) {
        divided.figures.values.push_back(metric.value);
    }
    return divided;
}

RecordedLook put_together(const LookForm& form, const LookFigures& figures) {
    RecordedLook look;
    look.check = form.check;
    look.type = form.type;
    look.cause = form.cause;
    look.status = form.status;
    look.shown = form.shown;
    look.remedy = form.remedy;
    look.passing = form.passing;
    look.took = figures.took;
    look.metrics = metrics_of(form, figures.values);
    const std::array<std::string*, 5> fields{&look.message.en, &look.message.ru, &look.hint.en, &look.hint.ru,
                                             &look.evidence};
    const std::vector<std::string_view> words = split(form.words, k_between_fields);
    std::size_t before = 0, next = 0;
    for (std::size_t i = 0; i < std::min(fields.size(), words.size()); ++i) {
        const bool same = words[i].starts_with(k_same_numbers);
        std::size_t from = same ? before : next;
        before = from;
        *fields[i] = unpack_text(same ? words[i].substr(1) : words[i], figures.numbers, from);
        next = std::max(next, from);
    }
    return look;
}

void put_look(std::string& bytes, std::int64_t form, const LookFigures& figures) {
    put_number(bytes, static_cast<std::uint64_t>(form));
    put_number(bytes, static_cast<std::uint64_t>(std::max<std::int64_t>(figures.took.count(), 0)));
    for (const std::uint64_t number : figures.numbers) {
        put_number(bytes, number);
    }
    for (const double value : figures.values) {
        put_figure(bytes, value);
    }
}

} // namespace lectio
