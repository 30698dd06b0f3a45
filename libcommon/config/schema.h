// Schema<T>: the key table of one configuration table, one row a key: name, where it goes, range, help.
//
// A row's type follows from the member it fills and its default from the member's initialiser, so a key
// cannot disagree with the code that uses it. docs/configuration.md and the "did you mean" come from the same
// rows.
//
//     struct TcpSettings { std::string address; Duration timeout{5000}; };
//     const Schema<TcpSettings>& tcp_schema() {
//         static const Schema<TcpSettings> schema{
//             required("address", &TcpSettings::address, "host:port"),
//             optional("timeout", &TcpSettings::timeout, "no connection by then: critical").between(10ms,
//             1h)};
//         return schema;
//     }
//
// What a row can fill: bool, int, double, std::string, Secret, Duration, Bytes, std::vector<std::string>,
// std::vector<int>, Thresholds, std::map<std::string, Thresholds>, std::map<std::string, std::string>,
// JsonText, StatusSet, FileMode, and a nested struct with a schema of its own. A new kind is one overload of
// read_value().
#pragma once

// The implementation is filled in with the config part of the library.
