#include "config/complaints.h"
#include "platform/unit_name.h"

#include <catch2/catch.hpp>

namespace lectio {
namespace {

TEST_CASE("a unit is named as systemctl takes it") {
    CHECK(full_unit_name("nginx") == "nginx.service");
    CHECK(full_unit_name("app@1") == "app@1.service");
    CHECK(full_unit_name("backup.timer") == "backup.timer");
    CHECK(full_unit_name("gunicorn.prod") == "gunicorn.prod.service");
    for (const std::string name :
         {"nginx", "nginx.service", "a.socket", "a.device", "a.mount", "a.automount", "a.swap", "a.target",
          "a.path", "a.timer", "a.slice", "a.scope", "app@a.b.service", "system-fsck\\x2d.slice"}) {
        CAPTURE(name);
        CHECK(unit_complaint(name) == std::nullopt);
    }
}

TEST_CASE("what no unit is called is said, with the ending that was meant") {
    CHECK(unit_complaint("nginx.servce") == "no unit ends so; did you mean \".service\"?");
    CHECK(unit_complaint("nginx.conf") == "no unit ends so; write it with its ending, like \".service\"");
    for (const std::string name : {"ngi/nx.service", "my app", ".service", "nginx.service ", "тест"}) {
        CAPTURE(name);
        CHECK(unit_complaint(name) == "expected the name of a unit, like \"nginx.service\"");
    }
}

} // namespace
} // namespace lectio
