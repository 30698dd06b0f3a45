// CheckType: how a check type enters the suite; all_checks.cpp lists them.
//
// A check type is one source (with a small header for its test and the table), its test, one row in
// all_checks.cpp and one line of CMake. The source holds, top down:
//
//     // platform/tcp_probe.h: what is seen, and the look itself (a check over an interface of World has its sample
//     // in checks/tcp.h instead)
//     struct TcpSample { enum class Failure { none, name, refused, … } failure; std::string detail, answer; … };
//     TcpSample tcp_probe(const TcpQuestion& question);
//
//     // checks/tcp.h
//     struct TcpSettings { std::string address; Duration timeout{5000}; };
//     CheckResult evaluate_tcp(const TcpSample& sample, const TcpSettings& settings); // pure: tested
//     CheckType tcp_check_type();
//
//     // checks/tcp.cpp
//     const Schema<TcpSettings>& tcp_schema() { static const Schema<TcpSettings> schema{…}; return schema; }
//     class TcpCheck final : public BlockingCheck {
//       public:
//         explicit TcpCheck(TcpSettings settings) : m_settings(std::move(settings)) {}
//         CheckResult run(const CheckContext& context) const override; // tcp_probe(), then evaluate_tcp()
//         …
//     };
//     CheckType tcp_check_type() {
//         return make_check_type<tcp_schema, TcpCheck>("tcp", Layer::other, Recheck::yes,
//                                                      "a port accepts connections");
//     }
#pragma once

#include "checks/check.h"
#include "config/schema.h"

#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

namespace lectio {

struct CheckType {
    std::string_view name; // what `type = "…"` says
    Layer layer = Layer::other;
    Recheck recheck = Recheck::no;
    std::string_view help; // one line for docs/configuration.md
    const SchemaBase& (*schema)() = nullptr;
    // `settings` is what schema().make() made and the configuration filled; it is copied.
    std::unique_ptr<Check> (*make)(const void* settings) = nullptr;
};

template<auto SchemaFunction, class CheckClass>
CheckType make_check_type(std::string_view name, Layer layer, Recheck recheck, std::string_view help) {
    using Settings = typename std::remove_cvref_t<decltype(SchemaFunction())>::Settings;
    return {name,
            layer,
            recheck,
            help,
            []() -> const SchemaBase& { return SchemaFunction(); },
            [](const void* settings) -> std::unique_ptr<Check> {
                return std::make_unique<CheckClass>(*static_cast<const Settings*>(settings));
            }};
}

} // namespace lectio
