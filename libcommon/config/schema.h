// Schema<T>: the key table of one configuration table, one row a key: name, where it goes, range, help.
//
// A row's type follows from the member it fills and its default from the member's initialiser, so a key
// cannot disagree with the code that uses it. docs/configuration.md and the "did you mean" come from the same
// rows.
//
//     struct TcpSettings {
//         std::string address;
//         Duration timeout{5000};
//         Thresholds time;
//         enum class Say { nothing, hello } say = Say::nothing;
//     };
//     const Schema<TcpSettings>& tcp_schema() {
//         static const Schema<TcpSettings> schema{
//             required("address", &TcpSettings::address, "host:port").check(address_complaint),
//             optional("timeout", &TcpSettings::timeout, "no connection by then: critical").between(10ms, 1h),
//             optional("time", &TcpSettings::time, "to connect").units({Amount::Unit::milliseconds}).grows(),
//             optional("say", &TcpSettings::say, "what is sent first")
//                 .one_of({{"nothing", TcpSettings::Say::nothing}, {"hello", TcpSettings::Say::hello}}),
//             later<std::string>("starttls", "protocol to upgrade")}; // checked and documented, not used yet
//         return schema;
//     }
//
// What a row can fill: bool, int, std::int64_t, double, std::string (one_of: the words allowed), an enum (one_of:
// words and values), Secret, Duration, Bytes, Path (always absolute), IdText, FileMode, Span, StatusSet, Amount,
// Thresholds, JsonText, std::vector of any of these, std::map<std::string, any of these>, std::optional of
// any of these, and with a schema of its own as fourth argument a struct, or a std::vector, std::map or
// std::optional of structs. A new kind is one overload of read_value(), type_words() and default_words().
#pragma once

#include "config/node.h"
#include "config/values.h"
#include "util/secret.h"
#include "util/units.h"
#include "words/phrase.h"

#include <chrono>
#include <concepts>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace lectio {

class SchemaBase;

// What reading has to know of a row. Schemas are made in each run: what only people ask for is made when they ask.
// Names and help are literals.
struct RowHead {
    std::string_view name;
    bool required = false;
    bool later = false; // checked, but nothing uses it yet
};

// A key as people read it: in docs/configuration.md, in problems, in tests.
struct RowInfo : RowHead {
    std::string_view help;
    std::string type;                  // "duration", "list of texts", "table"
    std::string default_words;         // as one would write it; empty: none
    std::string range;                 // "10ms to 1h", "ok | warning"; empty: any
    const SchemaBase* table = nullptr; // the rows of a nested table
    enum class Shape { value, table, tables, named_tables };
    Shape shape = Shape::value; // tables: [[x]]; named_tables: [x.NAME]
};

// A value that refers to a variable which is set nowhere: no problem of words (CONTRACT 2), but what needs it
// is disabled.
struct UnsetReference {
    std::string name;
    Position position;
};

// What reading a configuration gathers beside the values.
struct Reading {
    Problems& problems;
    std::vector<UnsetReference> unset;
    enum class Later { announce, quiet };
    Later later = Later::announce; // quiet inside a part that was announced as a whole
};

// What a row asks of a value beyond its type.
struct Limits {
    std::optional<Amount> least, most;
    std::vector<Amount::Unit> units; // of amounts and thresholds; empty: any
    enum class Direction { any, runs_out, grows };
    Direction direction = Direction::any; // of thresholds: whether critical lies below or above warn
    std::vector<std::string_view> words;  // the texts allowed, literals; empty: any
    bool not_empty = false;
    bool or_empty = false; // "" and {} stand for none
};

class SchemaBase {
  public:
    virtual ~SchemaBase() = default;
    [[nodiscard]] const std::vector<RowHead>& heads() const { return m_heads; }
    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] virtual std::vector<RowInfo> rows() const = 0; // as heads(), each whole
    // A settings object with every default, to be passed to read().
    [[nodiscard]] virtual std::shared_ptr<void> make() const = 0;
    // Reads the value of heads()[index] into `object`, which is what make() made.
    virtual void read_row(std::size_t index, const Node& value, void* object, Reading& reading) const = 0;
    // What no single row can judge; only called when every row could be read.
    virtual void verify(const Node& table, const void* object, Reading& reading) const = 0;

  protected:
    std::vector<RowHead> m_heads;
};

// Where a table's keys go; a check's table fills two objects, what every check knows and its type's settings.
struct Target {
    const SchemaBase* schema;
    void* object;
};
// Reads `table` into the targets; a key that several have belongs to the last of them. Every problem is
// reported: unknown keys (with the nearest name that any target has), wrong types, values out of range,
// missing keys. Keys in `known` are somebody else's.
void read_table(const Node& table, std::span<const Target> targets, Reading& reading,
                std::span<const std::string_view> known = {});

inline constexpr Phrase k_unknown_key{"unknown key \"{}\"", "неизвестный ключ \"{}\""};
// At `position`: 'unknown key "alow"; did you mean "allow"?', `unknown` being the first half, with {} for the word.
void report_unknown(const Phrase& unknown, std::string_view word, Position position,
                    std::span<const std::string_view> candidates, Problems& problems);

namespace detail {

void read_value(const Node&, bool&, const Limits&, Reading&);
void read_value(const Node&, int&, const Limits&, Reading&);
void read_value(const Node&, std::int64_t&, const Limits&, Reading&);
void read_value(const Node&, double&, const Limits&, Reading&);
void read_value(const Node&, std::string&, const Limits&, Reading&);
void read_value(const Node&, Secret&, const Limits&, Reading&);
void read_value(const Node&, Duration&, const Limits&, Reading&);
void read_value(const Node&, Bytes&, const Limits&, Reading&);
void read_value(const Node&, std::filesystem::path&, const Limits&, Reading&);
void read_value(const Node&, IdText&, const Limits&, Reading&);
void read_value(const Node&, FileMode&, const Limits&, Reading&);
void read_value(const Node&, Span&, const Limits&, Reading&);
void read_value(const Node&, StatusSet&, const Limits&, Reading&);
void read_value(const Node&, Amount&, const Limits&, Reading&);
void read_value(const Node&, Thresholds&, const Limits&, Reading&);
void read_value(const Node&, JsonText&, const Limits&, Reading&);

// How a type is called in the documentation (English) and in problems: one of it, and several.
struct TypeWords {
    Phrase one, many; // "text", "texts"; in Russian "текст", "(список) текстов"
};
inline constexpr TypeWords k_word{Phrase{"word", "слово"}, Phrase{"words", "слов"}};
inline constexpr Phrase k_table{"table", "таблица"};
inline constexpr Phrase k_list_of_tables{"list of tables", "список таблиц"};
inline constexpr Phrase k_table_of_tables{"table of tables", "таблица таблиц"};
const TypeWords& type_words(const bool*);
const TypeWords& type_words(const int*);
const TypeWords& type_words(const std::int64_t*);
const TypeWords& type_words(const double*);
const TypeWords& type_words(const std::string*);
const TypeWords& type_words(const Secret*);
const TypeWords& type_words(const Duration*);
const TypeWords& type_words(const Bytes*);
const TypeWords& type_words(const std::filesystem::path*);
const TypeWords& type_words(const IdText*);
const TypeWords& type_words(const FileMode*);
const TypeWords& type_words(const Span*);
const TypeWords& type_words(const StatusSet*);
const TypeWords& type_words(const Amount*);
const TypeWords& type_words(const Thresholds*);
const TypeWords& type_words(const JsonText*);

// As one would write the value in the file; empty: nothing.
std::string default_words(bool);
std::string default_words(int);
std::string default_words(std::int64_t);
std::string default_words(double);
std::string default_words(const std::string&);
std::string default_words(const Secret&);
std::string default_words(const Duration&);
std::string default_words(const Bytes&);
std::string default_words(const std::filesystem::path&);
std::string default_words(const IdText&);
std::string default_words(const FileMode&);
std::string default_words(const Span&);
std::string default_words(const StatusSet&);
std::string default_words(const Amount&);
std::string default_words(const Thresholds&);
std::string default_words(const JsonText&);

std::string range_words(const Limits& limits); // for the documentation
enum class Wrapping { none, list, table };
enum class Single { refused, allowed };
Text type_text(const TypeWords& item, Wrapping wrapping, Single single); // "text or list of texts"
// True when the value can be read: it is set. Otherwise the reference is noted.
bool is_set(const Node& value, Reading& reading);
const Node::Array* expect_array(const Node& value, const Text& type, Reading& reading);
const Node::Array* expect_list(const Node& value, const Text& type, Reading& reading); // of values
const Node::Table* expect_table(const Node& value, const Text& type, Reading& reading);
void out_of_words(const Node& value, std::span<const std::string_view> words, Reading& reading);
void not_a_name(const Member& member, Reading& reading);
void empty_list(const Node& value, Reading& reading);
void wrong_key(const Member& member, std::string_view key, const Text& complaint, Reading& reading);
void wrong_item(const Node& value, std::string_view key, const Text& complaint, Reading& reading);

template<class T>
struct Wrapped { // std::optional, vector, map: what they hold, and how
    using Item = T;
    static constexpr Wrapping k_wrapping = Wrapping::none;
};
template<class T>
struct Wrapped<std::optional<T>> {
    using Item = T;
    static constexpr Wrapping k_wrapping = Wrapping::none;
};
template<class T>
struct Wrapped<std::vector<T>> {
    using Item = T;
    static constexpr Wrapping k_wrapping = Wrapping::list;
};
template<class T>
struct Wrapped<std::map<std::string, T>> {
    using Item = T;
    static constexpr Wrapping k_wrapping = Wrapping::table;
};

Amount limit(std::chrono::milliseconds value);
Amount limit(Bytes value);
Amount limit(std::integral auto value) {
    return {Amount::Unit::number, static_cast<double>(value)};
}
Amount limit(std::floating_point auto value) {
    return {Amount::Unit::number, static_cast<double>(value)};
}

} // namespace detail

// In place of the settings for a key that nothing uses yet: checked, documented, dropped.
struct NotYet {};

// One row that fills a member of type M; made by required() and optional().
template<class T, class M>
class Field {
  public:
    using Item = typename detail::Wrapped<M>::Item; // what the limits speak of

    Field(std::string_view name, M T::*member, std::string_view help, bool needed)
        : m_name(name), m_help(help), m_member(member), m_required(needed) {
        m_limits.not_empty = needed;
    }

    // Both ends belong to the range.
    template<class A, class B>
    Field between(A least, B most) && {
        m_limits.least = detail::limit(least);
        m_limits.most = detail::limit(most);
        return std::move(*this);
    }
    Field units(std::initializer_list<Amount::Unit> allowed) && {
        m_limits.units = allowed;
        return std::move(*this);
    }
    Field runs_out() && { // critical lies at or below warn
        m_limits.direction = Limits::Direction::runs_out;
        return std::move(*this);
    }
    Field grows() && { // critical lies at or above warn
        m_limits.direction = Limits::Direction::grows;
        return std::move(*this);
    }
    Field not_empty() && {
        m_limits.not_empty = true;
        return std::move(*this);
    }
    Field one_of(std::initializer_list<std::string_view> words) &&
            requires std::same_as<Item, std::string>
    {
        m_limits.words.assign(words.begin(), words.end());
        return std::move(*this);
    }
    Field one_of(std::initializer_list<std::pair<std::string_view, Item>> names) &&
            requires std::is_enum_v<Item>
    {
        for (const auto& [word, value] : names) {
            m_limits.words.emplace_back(word);
            m_values.push_back(value);
        }
        return std::move(*this);
    }
    // A list that may be written as its only item: matches = "x" and matches = ["x", "y"].
    Field or_single() && {
        m_single = true;
        return std::move(*this);
    }
    Field or_empty() && { // of durations and thresholds: "" or {} is allowed and stands for none
        m_limits.or_empty = true;
        return std::move(*this);
    }
    Field needed() && { // for rows of later()
        m_required = m_limits.not_empty = true;
        return std::move(*this);
    }
    // A test of one's own on each item: what is wrong with it ("expected host:port"), or nothing.
    Field check(std::function<std::optional<Text>(const Item&)> complaint) && {
        m_complaint = std::move(complaint);
        return std::move(*this);
    }
    // The same for the keys of a table of values.
    Field check_keys(std::function<std::optional<Text>(const std::string&)> complaint) && {
        m_key_complaint = std::move(complaint);
        return std::move(*this);
    }
    // For what is checked and documented but not built yet.
    Field later() && {
        m_later = true;
        return std::move(*this);
    }

    [[nodiscard]] RowHead head() const { return {m_name, m_required, m_later}; }
    [[nodiscard]] RowInfo info() const {
        RowInfo row;
        static_cast<RowHead&>(row) = head();
        row.help = m_help;
        row.range = detail::range_words(m_limits);
        row.type = type().en;
        if constexpr (!std::same_as<T, NotYet>) {
            if (!m_required) {
                row.default_words = words_of(T{}.*m_member);
            }
        }
        return row;
    }

    void read(const Node& value, T& object, Reading& reading) const {
        if (!detail::is_set(value, reading)) {
            return;
        }
        if constexpr (std::same_as<T, NotYet>) {
            M dropped{};
            read_any(value, dropped, reading);
        } else {
            read_any(value, object.*m_member, reading);
        }
    }

  private:
    [[nodiscard]] Text type() const {
        const detail::Single single = m_single ? detail::Single::allowed : detail::Single::refused;
        if constexpr (std::is_enum_v<Item>) {
            return detail::type_text(detail::k_word, detail::Wrapped<M>::k_wrapping, single);
        } else {
            return detail::type_text(detail::type_words(static_cast<const Item*>(nullptr)),
                                     detail::Wrapped<M>::k_wrapping, single);
        }
    }
    void read_any(const Node& value, Item& target, Reading& reading) const {
        if (detail::is_set(value, reading)) {
            read_item(value, target, reading);
        }
    }
    void read_any(const Node& value, std::optional<Item>& target, Reading& reading) const {
        read_any(value, target.emplace(), reading);
    }
    void read_any(const Node& value, std::vector<Item>& target, Reading& reading) const {
        if (m_single && value.get<Node::Array>() == nullptr) {
            target.clear();
            read_any(value, target.emplace_back(), reading);
            return;
        }
        const Node::Array* items = detail::expect_list(value, type(), reading);
        if (items == nullptr) {
            return;
        }
        target.clear();
        if (items->empty() && m_limits.not_empty) {
            detail::empty_list(value, reading);
        }
        for (const Node& item : *items) {
            Item one{};
            read_any(item, one, reading);
            target.push_back(std::move(one));
        }
    }
    void read_any(const Node& value, std::map<std::string, Item>& target, Reading& reading) const {
        if (const Node::Table* members = detail::expect_table(value, type(), reading)) {
            target.clear();
            for (const Member& member : *members) {
                read_any(member.value.front(), target[member.key], reading);
                if (const auto complaint = m_key_complaint ? m_key_complaint(member.key) : std::nullopt) {
                    detail::wrong_key(member, m_name, *complaint, reading);
                }
            }
        }
    }
    void read_item(const Node& value, Item& target, Reading& reading) const {
        const std::size_t before = reading.problems.all().size();
        if constexpr (std::is_enum_v<Item>) {
            std::string word;
            detail::read_value(value, word, m_limits, reading);
            for (std::size_t i = 0; i < m_values.size(); ++i) {
                if (word == m_limits.words[i]) {
                    target = m_values[i];
                }
            }
        } else {
            detail::read_value(value, target, m_limits, reading);
        }
        if (m_complaint && reading.problems.all().size() == before) {
            if (const std::optional<Text> complaint = m_complaint(target)) {
                detail::wrong_item(value, m_name, *complaint, reading);
            }
        }
    }

    [[nodiscard]] std::string words_of(const Item& value) const {
        if constexpr (std::is_enum_v<Item>) {
            for (std::size_t i = 0; i < m_values.size(); ++i) {
                if (m_values[i] == value) {
                    return detail::default_words(std::string(m_limits.words[i]));
                }
            }
            return {};
        } else {
            if constexpr (std::same_as<Item, Duration>) {
                if (m_limits.or_empty && value == Duration{}) {
                    return "\"\"";
                }
            }
            return detail::default_words(value);
        }
    }
    [[nodiscard]] std::string words_of(const std::optional<Item>& value) const {
        return value ? words_of(*value) : std::string{};
    }
    [[nodiscard]] std::string words_of(const std::vector<Item>& values) const {
        std::string words;
        for (const Item& value : values) {
            words += (words.empty() ? "" : ", ") + words_of(value);
        }
        return "[" + words + "]";
    }
    [[nodiscard]] std::string words_of(const std::map<std::string, Item>& values) const {
        std::string words;
        for (const auto& [key, value] : values) {
            words += (words.empty() ? "" : ", ") + key + " = " + words_of(value);
        }
        return words.empty() ? "{}" : "{ " + words + " }";
    }

    std::string_view m_name, m_help;
    M T::*m_member; // nullptr: checked and dropped
    Limits m_limits;
    std::vector<Item> m_values;
    std::function<std::optional<Text>(const Item&)> m_complaint;
    std::function<std::optional<Text>(const std::string&)> m_key_complaint;
    bool m_required = false;
    bool m_later = false;
    bool m_single = false;
};

template<class S>
class Schema;

// One row that fills a nested struct, or a vector, map or optional of them.
template<class T, class M>
class TableField {
  public:
    using Item = typename detail::Wrapped<M>::Item;

    TableField(std::string_view name, M T::*member, const Schema<Item>& schema, std::string_view help,
               bool needed)
        : m_name(name), m_help(help), m_member(member), m_schema(&schema), m_required(needed) {}

    TableField needed() && {
        m_required = true;
        return std::move(*this);
    }
    TableField later() && {
        m_later = true;
        return std::move(*this);
    }
    [[nodiscard]] RowHead head() const { return {m_name, m_required, m_later}; }
    [[nodiscard]] RowInfo info() const;
    void read(const Node& value, T& object, Reading& reading) const {
        if (!detail::is_set(value, reading)) {
            return;
        }
        if constexpr (std::same_as<T, NotYet>) {
            M dropped{};
            read_any(value, dropped, reading);
        } else {
            read_any(value, object.*m_member, reading);
        }
    }

  private:
    void read_any(const Node& value, Item& target, Reading& reading) const;
    void read_any(const Node& value, std::optional<Item>& target, Reading& reading) const {
        read_any(value, target.emplace(), reading);
    }
    void read_any(const Node& value, std::vector<Item>& target, Reading& reading) const {
        if (const Node::Array* items = detail::expect_array(value, say(detail::k_list_of_tables), reading)) {
            for (const Node& item : *items) {
                read_any(item, target.emplace_back(), reading);
            }
        }
    }
    void read_any(const Node& value, std::map<std::string, Item>& target, Reading& reading) const {
        if (const Node::Table* members =
                detail::expect_table(value, say(detail::k_table_of_tables), reading)) {
            for (const Member& member : *members) {
                detail::not_a_name(member, reading);
                read_any(member.value.front(), target[member.key], reading);
            }
        }
    }

    std::string_view m_name, m_help;
    M T::*m_member;
    const Schema<Item>* m_schema;
    bool m_required = false;
    bool m_later = false;
};

template<class T, class M>
Field<T, M> required(std::string_view name, M T::*member, std::string_view help) {
    return {name, member, help, true};
}
template<class T, class M>
Field<T, M> optional(std::string_view name, M T::*member, std::string_view help) {
    return {name, member, help, false};
}
template<class T, class M>
TableField<T, M> required(std::string_view name, M T::*member,
                          const Schema<typename detail::Wrapped<M>::Item>& schema, std::string_view help) {
    return {name, member, schema, help, true};
}
template<class T, class M>
TableField<T, M> optional(std::string_view name, M T::*member,
                          const Schema<typename detail::Wrapped<M>::Item>& schema, std::string_view help) {
    return {name, member, schema, help, false};
}

template<class M>
Field<NotYet, M> later(std::string_view name, std::string_view help) {
    return Field<NotYet, M>(name, nullptr, help, false).later();
}
template<class M>
TableField<NotYet, M> later(std::string_view name, const Schema<typename detail::Wrapped<M>::Item>& schema,
                            std::string_view help) {
    return TableField<NotYet, M>(name, nullptr, schema, help, false).later();
}

// What a table as a whole does wrong: the keys that lead to the value to point at (none: the table's header),
// and the words.
struct Complaint {
    std::vector<std::string> keys;
    Text message;
    Problem::Severity severity = Problem::Severity::error;

    Complaint(std::vector<std::string> the_keys, Text words,
              Problem::Severity how_bad = Problem::Severity::error)
        : keys(std::move(the_keys)), message(std::move(words)), severity(how_bad) {}
    Complaint(const char* key, Text words) // "": the header
        : Complaint(std::vector<std::string>{key}, std::move(words)) {}
};
void report(const Complaint& complaint, const Node& table, Reading& reading);

template<class T>
class Schema final : public SchemaBase {
  public:
    using Settings = T;

    // A field of any kind: of T, or of nothing yet.
    class Row {
      public:
        template<class F>
            requires requires(const F& field) { field.info(); }
        Row(F field) // NOLINT(google-explicit-constructor): rows are listed bare
            : m_head(field.head()), m_field(std::make_shared<const FieldOf<F>>(std::move(field))) {}

      private:
        friend class Schema;
        struct AnyField {
            virtual ~AnyField() = default;
            [[nodiscard]] virtual RowInfo info() const = 0;
            virtual void read(const Node& value, T& object, Reading& reading) const = 0;
        };
        template<class F>
        struct FieldOf final : AnyField {
            explicit FieldOf(F of) : field(std::move(of)) {}
            [[nodiscard]] RowInfo info() const override { return field.info(); }
            void read(const Node& value, T& object, Reading& reading) const override {
                if constexpr (requires { field.read(value, object, reading); }) {
                    field.read(value, object, reading);
                } else {
                    NotYet dropped;
                    field.read(value, dropped, reading);
                }
            }
            F field;
        };

        RowHead m_head;
        std::shared_ptr<const AnyField> m_field;
    };

    Schema(std::initializer_list<Row> rows) : m_rows(rows) {
        for (const Row& row : m_rows) {
            m_heads.push_back(row.m_head);
        }
    }

    // A test of the whole table, called when each key could be read.
    Schema verify(std::function<std::vector<Complaint>(const T&)> complaints) && {
        m_complaints = std::move(complaints);
        return std::move(*this);
    }

    [[nodiscard]] std::vector<RowInfo> rows() const override {
        std::vector<RowInfo> rows;
        for (const Row& row : m_rows) {
            rows.push_back(row.m_field->info());
        }
        return rows;
    }
    [[nodiscard]] std::shared_ptr<void> make() const override { return std::make_shared<T>(); }
    void read_row(std::size_t index, const Node& value, void* object, Reading& reading) const override {
        m_rows[index].m_field->read(value, *static_cast<T*>(object), reading);
    }
    void verify(const Node& table, const void* object, Reading& reading) const override {
        if (!m_complaints) {
            return;
        }
        for (const Complaint& complaint : m_complaints(*static_cast<const T*>(object))) {
            report(complaint, table, reading);
        }
    }

    // A whole table that is nothing but this schema's.
    void read(const Node& table, T& object, Reading& reading) const {
        const Target target{this, &object};
        read_table(table, {&target, 1}, reading);
    }

  private:
    std::vector<Row> m_rows;
    std::function<std::vector<Complaint>(const T&)> m_complaints;
};

template<class T, class M>
RowInfo TableField<T, M>::info() const {
    RowInfo row;
    static_cast<RowHead&>(row) = head();
    row.help = m_help;
    row.table = m_schema;
    if constexpr (std::same_as<M, std::vector<Item>>) {
        row.shape = RowInfo::Shape::tables;
        row.type = detail::k_list_of_tables.in(Lang::en);
    } else if constexpr (std::same_as<M, std::map<std::string, Item>>) {
        row.shape = RowInfo::Shape::named_tables;
        row.type = detail::k_table_of_tables.in(Lang::en);
    } else {
        row.shape = RowInfo::Shape::table;
        row.type = detail::k_table.in(Lang::en);
    }
    return row;
}

template<class T, class M>
void TableField<T, M>::read_any(const Node& value, Item& target, Reading& reading) const {
    if (detail::expect_table(value, say(detail::k_table), reading) != nullptr) {
        m_schema->read(value, target, reading);
    }
}

// Formats that more than one check asks for; each returns what is wrong, or nothing.
std::optional<Text> address_complaint(const std::string& text);  // host:port, [::1]:port
std::optional<Text> http_url_complaint(const std::string& text); // http(s)://…, unix:/socket:/path
std::optional<Text> redis_url_complaint(const std::string& text);
std::optional<Text> name_complaint(const std::string& text); // CONTRACT 8

// Values under `clear` that lie on the wrong side of their thresholds, or have none: never clear, or clear while
// raised.
std::vector<Complaint> clear_complaints(const Thresholds& raise, const Thresholds& clear,
                                        Limits::Direction direction);
// A `max_time` beyond `timeout` is never reached: a warning.
std::vector<Complaint> max_time_complaints(Duration max_time, Duration timeout);

} // namespace lectio
