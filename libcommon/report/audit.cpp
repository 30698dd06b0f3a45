#include "report/audit.h"

#include "report/words.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_title{"Audit of {}: {}", "Аудит {}: {}"};
constexpr Noun k_findings{"finding", "findings", "замечание", "замечания", "замечаний"};
constexpr Phrase k_why{"why", "чем опасно"};
constexpr Phrase k_mend{"mend", "исправить"};
constexpr Phrase k_without{"Without a finding", "Без замечаний"};

// Of a check that judges one thing and gathers no findings.
struct WhyOfType {
    std::string_view type;
    Phrase why;
};
constexpr std::array k_why_of_types{
    WhyOfType{"freshness",
              {"what it does has stopped, and nothing says so: the users notice first",
               "то, что это делает, встало молча: первыми это заметят пользователи"}},
    WhyOfType{
        "postgres",
        {"under load requests wait for the database, or fail", "под нагрузкой запросы ждут базу или падают"}},
    WhyOfType{"redis",
              {"once its memory is full, it refuses writes or throws away what is still needed",
               "когда память кончится, он откажет в записи или выбросит нужное"}},
};

std::vector<Finding> findings_of(const CheckReport& check) {
    const CheckResult& result = check.result;
    const auto found = std::find_if(k_why_of_types.begin(), k_why_of_types.end(),
                                    [&](const WhyOfType& each) { return each.type == check.type; });
    const bool is_bad = result.status == Status::warning || result.status == Status::critical;
    if (!result.findings.empty() || found == k_why_of_types.end() || !is_bad) {
        return result.findings;
    }
    return {{result.status, result.message, say(found->why), result.hint}};
}

class Writer {
  public:
    Writer(Lang lang, AuditForm form) : m_lang(lang), m_form(form) {}

    void title(const Report& report, std::int64_t findings) {
        const Text words = say(k_title, report.host, counted(findings, k_findings));
        line(m_form == AuditForm::markdown ? "# " : "", safe(words));
    }

    void area(const CheckReport& check) {
        m_text += '\n';
        line(m_form == AuditForm::markdown ? "## " : "", fmt::format("{} ({})", check.name, check.type));
        if (m_form == AuditForm::markdown) {
            m_text += '\n';
        }
        for (const Finding& finding : findings_of(check)) {
            add(finding);
        }
    }

    void rest(const std::vector<const CheckReport*>& checks) {
        if (checks.empty()) {
            return;
        }
        m_text += '\n';
        if (m_form == AuditForm::markdown) {
            line("## ", k_without.in(m_lang));
            m_text += '\n';
        }
        for (const CheckReport* check : checks) {
            const std::string mark(status_mark(check->result.status));
            line(m_form == AuditForm::markdown ? "- " : mark + "  ",
                 fmt::format("{}: {}", check->name, words(check->result.message)));
        }
    }

    [[nodiscard]] std::string take() { return std::move(m_text); }

  private:
    void add(const Finding& finding) {
        if (m_form == AuditForm::markdown) {
            line(fmt::format("- **{}** ", trim(status_mark(finding.status))), words(finding.seen));
            detail("  - ", k_why, words(finding.why));
            detail("  - ", k_mend, fmt::format("`{}`", code(finding.mend)));
        } else {
            line(std::string(status_mark(finding.status)) + "  ", safe(finding.seen));
            detail("      ", k_why, safe(finding.why));
            detail("      ", k_mend, safe(finding.mend));
        }
    }

    void detail(std::string_view before, const Phrase& label, std::string_view words) {
        line(fmt::format("{}{}: ", before, label.in(m_lang)), words);
    }

    void line(std::string_view before, std::string_view words) {
        m_text.append(before).append(words).push_back('\n');
    }

    [[nodiscard]] std::string safe(const Text& text) const { return clean_line(redact(text.in(m_lang))); }

    // What somebody else may have written is no link, no picture and no end of the code that it stands in
    // (spec.commonmark.org/0.31.2, 2.4).
    [[nodiscard]] std::string words(const Text& text) const {
        std::string out;
        for (const char c : safe(text)) {
            out +=
                m_form == AuditForm::markdown && std::string_view("\\`[]<>").find(c) != std::string_view::npos
                    ? std::string{'\\', c}
                    : std::string{c};
        }
        return out;
    }
    [[nodiscard]] std::string code(const Text& text) const {
        std::string out = safe(text);
        std::replace(out.begin(), out.end(), '`', '\'');
        return out;
    }

    Lang m_lang;
    AuditForm m_form;
    std::string m_text;
};

bool is_worse(const CheckReport* a, const CheckReport* b) {
    const Status worse = worst(a->result.status, b->result.status);
    return a->result.status != b->result.status && worse == a->result.status;
}

} // namespace

std::string render_audit(const Report& report, Lang lang, AuditForm form) {
    std::vector<const CheckReport*> checks;
    std::int64_t findings = 0;
    for (const CheckReport& check : report.checks) {
        checks.push_back(&check);
        findings += static_cast<std::int64_t>(findings_of(check).size());
    }
    std::stable_sort(checks.begin(), checks.end(), is_worse);
    const auto rest = std::stable_partition(
        checks.begin(), checks.end(), [](const CheckReport* check) { return !findings_of(*check).empty(); });
    Writer writer(lang, form);
    writer.title(report, findings);
    std::for_each(checks.begin(), rest, [&](const CheckReport* check) { writer.area(*check); });
    writer.rest({rest, checks.end()});
    return writer.take();
}

} // namespace lectio
