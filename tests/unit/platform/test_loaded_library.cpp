#include "platform/loaded_library.h"

#include <string_view>

#include <catch2/catch.hpp>

#include <zlib.h>

using namespace lectio;

namespace {

struct Table {
    LECTIO_FUNCTION(zlibVersion)
    decltype(&::zlibVersion) no_such_function = nullptr;
};

} // namespace

TEST_CASE("a library is loaded, and its functions can be called") {
    LoadedLibrary library("libz.so.1");
    Table table;
    LECTIO_FIND(zlibVersion)
    REQUIRE(library.is_there());
    REQUIRE(library.lacking() == nullptr);
    CHECK(std::string_view(table.zlibVersion()) == ::zlibVersion());
}

TEST_CASE("a library that lacks a function says which") {
    LoadedLibrary library("libz.so.1");
    Table table;
    LECTIO_FIND(zlibVersion)
    LECTIO_FIND(no_such_function)
    CHECK(library.is_there());
    CHECK(library.lacking() == std::string_view("no_such_function"));
    CHECK(table.no_such_function == nullptr);
}

TEST_CASE("a library that is not there has no functions") {
    LoadedLibrary library("libno-such-library.so.9");
    Table table;
    LECTIO_FIND(zlibVersion)
    CHECK_FALSE(library.is_there());
    CHECK(library.lacking() == std::string_view("zlibVersion"));
}
