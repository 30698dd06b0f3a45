#include "platform/files.h"
#include "platform/zstd_file.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <string>

#include <catch2/catch.hpp>

#include <zstd.h>

using namespace lectio;
using namespace std::chrono_literals;

TEST_CASE("what is packed comes out again, also when it fills the room for it to the last byte") {
    const TempFolder folder;
    BareWorld bare;
    const SteadyTime later = bare.clock.steady() + 10min;
    const std::size_t room = ZSTD_DStreamOutSize();
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, room - 1, room, room + 1, 5 * room, 7 * room + 1,
          std::size_t{2} << 20, (std::size_t{5} << 20) + 1}) { // pieces that are packed side by side
        std::string content;
        while (content.size() < size) {
            content += std::to_string(content.size() * 2654435761U) + "\n";
        }
        content.resize(size);
        const Path plain = folder / ("plain" + std::to_string(size)), packed = plain.string() + ".zst",
                   again = plain.string() + ".again";
        REQUIRE(bare.files.create_synced(plain, content, 0600));
        const Result<Compressed> compressed = compress_file(plain, packed, bare.clock, later);
        REQUIRE(compressed);
        CHECK(compressed->plain == digest_of(plain, bare.clock, later).value());
        CHECK(compressed->packed == digest_of(packed, bare.clock, later).value());
        const Result<FileDigest> out = expand_file(packed, again, Bytes{size}, bare.clock, later);
        INFO(size << ": " << (out ? "" : out.error().message));
        REQUIRE(out);
        CHECK(bare.files.read(again, 100_MB).value() == content);

        const std::string whole = bare.files.read(packed, 100_MB).value();
        const Path torn = plain.string() + ".torn";
        REQUIRE(bare.files.create_synced(torn, whole.substr(0, whole.size() - 1), 0600));
        CHECK(expand_file(torn, folder / "none", Bytes{size}, bare.clock, later).error().kind ==
              ErrorKind::invalid);
    }
}
