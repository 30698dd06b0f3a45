#include "report/audit.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

CheckReport area(const char* name, Status status, std::vector<Finding> findings) {
    CheckReport check;
    check.name = name;
    check.type = "headers";
    check.result.status = status;
    check.result.message = verbatim(std::string("message of ") + name);
    check.result.findings = std::move(findings);
    return check;
}

Report found() {
    Report report;
    report.host = "web1";
    report.checks = {area("good", Status::ok, {}),
                     area("weak", Status::warning,
                          {{Status::warning, verbatim("no HSTS"), verbatim("because"), verbatim("add it")}}),
                     area("open", Status::critical,
                          {{Status::critical, verbatim("bad\nthing"), verbatim("why"),
                            verbatim("mend https://h/?password=hunter2")}}),
                     area("blind", Status::unknown, {})};
    return report;
}

} // namespace

TEST_CASE("an audit as text: the worst area first, then what has no finding") {
    CHECK(render_audit(found(), Lang::en, AuditForm::text) == "Audit of web1: 2 findings\n"
                                                              "\n"
                                                              "open (headers)\n"
                                                              "CRIT  bad thing\n"
                                                              "      why: why\n"
                                                              "      mend: mend https://h/?password=***\n"
                                                              "\n"
                                                              "weak (headers)\n"
                                                              "WARN  no HSTS\n"
                                                              "      why: because\n"
                                                              "      mend: add it\n"
                                                              "\n"
                                                              "??    blind: message of blind\n"
                                                              "ok    good: message of good\n");
}

TEST_CASE("an audit as markdown, in Russian") {
    CHECK(render_audit(found(), Lang::ru, AuditForm::markdown) ==
          "# Аудит web1: 2 замечания\n"
          "\n"
          "## open (headers)\n"
          "\n"
          "- **CRIT** bad thing\n"
          "  - чем опасно: why\n"
          "  - исправить: `mend https://h/?password=***`\n"
          "\n"
          "## weak (headers)\n"
          "\n"
          "- **WARN** no HSTS\n"
          "  - чем опасно: because\n"
          "  - исправить: `add it`\n"
          "\n"
          "## Без замечаний\n"
          "\n"
          "- blind: message of blind\n"
          "- good: message of good\n");
}

TEST_CASE("nothing found is said") {
    Report report;
    report.host = "web1";
    report.checks = {area("good", Status::ok, {})};
    CHECK(render_audit(report, Lang::en, AuditForm::text) ==
          "Audit of web1: 0 findings\n\nok    good: message of good\n");
    report.checks = {};
    CHECK(render_audit(report, Lang::en, AuditForm::text) == "Audit of web1: 0 findings\n");
}

TEST_CASE("what a stranger wrote is no link of the markdown, nor the end of its code") {
    Report report;
    report.host = "web1";
    report.checks = {area("odd", Status::warning,
                          {{Status::warning, verbatim("[x](http://evil.example) `a` <b>"), verbatim("why"),
                            verbatim("do `that`")}})};
    const std::string text = render_audit(report, Lang::en, AuditForm::markdown);
    CHECK(text.find("\\[x\\](http://evil.example) \\`a\\` \\<b\\>") != std::string::npos);
    CHECK(text.find("`do 'that'`") != std::string::npos);
}

TEST_CASE("a check that gathers no findings is one finding of an audit when it is bad") {
    Report report;
    report.host = "web1";
    CheckReport job = area("orders", Status::critical, {});
    job.type = "freshness";
    job.result.hint = verbatim("look");
    CheckReport good = area("cache", Status::ok, {});
    good.type = "redis";
    report.checks = {job, good};
    CHECK(render_audit(report, Lang::en, AuditForm::text) ==
          "Audit of web1: 1 finding\n"
          "\n"
          "orders (freshness)\n"
          "CRIT  message of orders\n"
          "      why: what it does has stopped, and nothing says so: the users notice first\n"
          "      mend: look\n"
          "\n"
          "ok    cache: message of cache\n");
}
