// What the libraries of this machine really say is known in Russian.

#include "util/result.h"
#include "words/error_words.h"

#include <cerrno>

#include <catch2/catch.hpp>
#include <openssl/x509_vfy.h>

#include <netdb.h>

namespace {

using namespace lectio;

bool is_russian(std::string_view text) {
    return text.find_first_of("abcdefghijklmnopqrstuvwxyz") == std::string_view::npos;
}

TEST_CASE("an error of the system is said in Russian, its path as it is", "[error_words]") {
    const Text words = error_words(errno_error("open /etc/shadow", EACCES).message);
    CHECK(words.en == "unable to open /etc/shadow: Permission denied");
    CHECK(words.ru == "не удалось открыть /etc/shadow: нет прав");
}

TEST_CASE("the errors that an operator meets are known by the words of this system", "[error_words]") {
    const int error =
        GENERATE(EPERM, EACCES, ENOENT, ENOTDIR, EISDIR, EEXIST, ELOOP, EINVAL, EIO, ENOSPC, EDQUOT, EROFS,
                 EBUSY, EAGAIN, ENOMEM, EMFILE, ENFILE, ENOBUFS, EADDRNOTAVAIL, ENETDOWN, ENETUNREACH,
                 EHOSTUNREACH, ECONNREFUSED, ECONNRESET, ETIMEDOUT, EPIPE);
    const Text words = error_words(errno_error("read 1", error).message);
    INFO(words.en << " → " << words.ru);
    CHECK(is_russian(words.ru));
}

TEST_CASE("the resolver's words are known", "[error_words]") {
    const int code = GENERATE(EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_NODATA, EAI_MEMORY, EAI_SYSTEM);
    const Text words = error_words(::gai_strerror(code));
    INFO(words.en << " → " << words.ru);
    CHECK(words.ru != words.en);
}

TEST_CASE("OpenSSL's words about a chain are known", "[error_words]") {
    const long verdict =
        GENERATE(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
                 X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                 X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_REVOKED,
                 X509_V_ERR_INVALID_CA, X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_EE_KEY_TOO_SMALL);
    const Text words = error_words(X509_verify_cert_error_string(verdict));
    INFO(words.en << " → " << words.ru);
    CHECK(words.ru != words.en);
}

TEST_CASE("what servers and libraries refuse is said in Russian", "[error_words]") {
    CHECK(error_words("SSL: no alternative certificate subject name matches target host name 'a.test'").ru ==
          "сертификат не годится: он выдан не для 'a.test'");
    CHECK(error_words("unable to use the database: file is not a database").ru ==
          "не удалось прочитать базу: это не база SQLite");
    CHECK(error_words("db:5432: password authentication failed for user \"site\"").ru ==
          "db:5432: неверный пароль пользователя \"site\"");
    const char* reason = GENERATE("unexpected message", "unsafe legacy renegotiation disabled",
                                  "NOAUTH Authentication required.", "sorry, too many clients already");
    CHECK(is_russian(error_words(reason).ru.substr(0, 8)));
    CHECK(error_words(reason).ru != reason);
}

TEST_CASE("who holds a lock is said in Russian", "[error_words]") {
    CHECK(error_words("/run/x.lock is held by lectio-deploy, process 7, since 2026-01-22T10:00:00Z").ru ==
          "/run/x.lock занято: lectio-deploy, процесс 7, с 2026-01-22T10:00:00Z");
    CHECK(error_words("/run/x.lock is held by somebody").ru == "/run/x.lock занято: somebody");
    CHECK(error_words("/run/x.lock is held").ru == "/run/x.lock занято");
}

TEST_CASE("what nobody has put into Russian stays, and around it the known is said", "[error_words]") {
    CHECK(error_words("").empty());
    CHECK(error_words("quux").ru == "quux");
    CHECK(error_words("Redis: connect: Connection refused").ru == "Redis: соединение: в соединении отказано");
    CHECK(error_words("unable to open /a: b: Is a directory").ru == "не удалось открыть /a: b: это папка");
    CHECK(error_words("unable to fly: Permission denied").ru == "unable to fly: нет прав");
    CHECK(error_words("unable to read /x: larger than 4 kB").ru == "не удалось прочитать /x: больше 4 kB");
    CHECK(error_words("Redis: GET: an answer larger than 4 MB").ru == "Redis: GET: ответ больше 4 MB");
    CHECK(error_words("Redis: GET: an answer of more than 100000 elements").ru ==
          "Redis: GET: в ответе больше 100000 элементов");
    CHECK(error_words(": ").ru == ": ");
}

} // namespace

TEST_CASE("what stands behind a path or a name is said in Russian, too", "[error_words]") {
    CHECK(error_words("/etc/x is not a regular file").ru == "/etc/x — не обычный файл");
    CHECK(error_words("no user walker on this host").ru == "нет пользователя walker на этом сервере");
    CHECK(error_words("/opt/config.env is a link, or another user's").ru ==
          "/opt/config.env — ссылка или чужой файл");
    CHECK(error_words("manage.py was ended: this run was asked to stop").ru ==
          "manage.py — завершено нами: этому запуску велели остановиться");
    CHECK(error_words("error setting certificate file: /etc/ca.pem").ru ==
          "не удалось прочитать сертификаты из файла: /etc/ca.pem");
}
