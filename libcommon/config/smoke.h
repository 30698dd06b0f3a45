// [smoke]: who logs in, what is asked as whom, and what the answers must be like.
#pragma once

#include "config/schema.h"
#include "config/values.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// `lectio-smoke setup-users` makes the accounts of the logins with them.
struct SmokeUsers {
    std::filesystem::path manage;             // manage.py
    std::filesystem::path python;             // empty: the first python3
    std::string user;                         // of the system; empty: the owner of manage.py
    std::map<std::string, std::string> roles; // login → role
};

struct CsrfSettings {
    std::string get; // the page that sets the cookie
    std::string cookie = "csrftoken", header = "X-CSRFToken";
};

struct LoginSettings { // one [smoke.login.NAME]; in reports the check "login-NAME"
    std::string name;
    CheckCommon common;
    std::string post;
    JsonText json;
    std::map<std::string, std::string> form;
    std::string token; // JSON pointer; empty: the session's cookie is the login
    std::optional<CsrfSettings> csrf;
    std::optional<StatusSet> status; // none: 2xx; of a session also 302 and 303
    Duration timeout{0};             // 0: that of [smoke]
    Position position;
    std::vector<std::string> unset; // variables it needs that are set nowhere
};

struct UploadSettings {
    std::string field;
    std::string name = "smoke.txt";
    Bytes size = 1_kB;
    std::string type = "text/plain";
};

struct LimitExpectation { // the last of `requests` within `per` must get `status`
    int requests = 2;
    Duration per{60'000};
    StatusSet status{{{429, 429}}};
};

struct StepSettings { // one [[smoke.step]]
    std::string name;
    CheckCommon common;
    std::string as; // a login; empty: nobody
    std::optional<std::string> get, post, put, patch, remove;
    JsonText json;
    std::map<std::string, std::string> form;
    std::optional<UploadSettings> upload;
    std::map<std::string, std::string> headers;
    std::string range;               // "0-1023"
    std::optional<StatusSet> status; // none: 2xx; with `range` 206
    std::map<std::string, JsonText> expect_json;
    std::map<std::string, std::string> expect_headers;
    std::vector<std::string> contains, not_contains, matches;
    Bytes max_size = 8_MB;
    Duration max_time{0}; // 0: no such limit
    Duration timeout{0};  // 0: that of [smoke]
    bool follow = true;
    std::map<std::string, JsonText> save;
    bool always = false;
    int parallel = 1;
    Duration within{0}; // 0: no such limit
    int repeat = 1;
    std::optional<LimitExpectation> limit;
    Position position;
    std::vector<std::string> unset;
};

struct SmokeSettings {
    std::string base_url = "http://127.0.0.1"; // paths are appended
    Duration deadline{60'000};
    Duration timeout{10'000}; // of each request
    int parallel = 8;         // requests at once
    std::string ca;           // PEM file; empty: the system's
    std::string resolve;      // connect to this address; Host and SNI stay
    std::optional<SmokeUsers> users;
    std::vector<LoginSettings> logins; // in the order of the file
    std::vector<StepSettings> steps;
};

const Schema<SmokeSettings>& smoke_schema(); // without login and step
const Schema<LoginSettings>& smoke_login_schema();
const Schema<StepSettings>& smoke_step_schema();

// "GET", "POST" …, and what stands under that key.
struct MethodAndTarget {
    std::string_view method;
    std::string_view key;
    std::string target;
};
MethodAndTarget method_of(const StepSettings& step);

// The `{name}` in a text; JSON's own braces are none.
std::vector<std::string> references_in(std::string_view text);
// Every value that the step uses, and the key under which it does.
struct UsedValue {
    std::string name;
    std::string_view key;
};
std::vector<UsedValue> values_used(const StepSettings& step);

// What expect_json asks of one value: { type, min, max }, or to be equal.
struct ExpectedValue {
    enum class Type { any, string, number, integer, boolean, array, object, null };
    std::optional<std::string> equal; // JSON text
    Type type = Type::any;
    std::optional<double> min, max; // of a number; of a list, an object or a text its length
};
Result<ExpectedValue> expected_value(const JsonText& written);

// Where save takes a value from.
struct SavedFrom {
    enum class Kind { pointer, header, pattern };
    Kind kind = Kind::pointer;
    std::string what;
};
Result<SavedFrom> saved_from(const JsonText& written);

// What comes before a login or a step, by their names as checks. `needs`: it is skipped unless they are good; `after`:
// it waits for them, whatever comes of them.
struct StepOrder {
    std::vector<std::string> needs, after;
};
std::map<std::string, StepOrder> order_of(const SmokeSettings& smoke);
// The step that saves each value.
std::map<std::string, std::string> savers_of(const SmokeSettings& smoke);

// Short, or a word of letters alone: anybody tries it, and masked as every secret is, it is missing from our own words.
bool is_easily_guessed(std::string_view password);
// How a login is called among the checks.
std::string check_of_login(std::string_view login);
// The check whether the site answers at all: every login and every step on the site needs it.
constexpr std::string_view k_connection_check = "connection";
bool is_on_the_site(const StepSettings& step, const SmokeSettings& smoke);
// Whether asking twice does no more than asking once (RFC 9110, 9.2.2): of POST and PATCH it is not known, and what is
// asked until it is refused would begin at the limit.
bool may_be_repeated(const StepSettings& step);

} // namespace lectio
