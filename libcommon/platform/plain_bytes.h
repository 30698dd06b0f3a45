// What comes compressed from a descriptor, taken apart piece by piece: gzip, zstd, xz, bzip2, or as it is.
//
// One layer of compression, not several; checksums are compared; what is said is how far the stream can be trusted:
// cut off, damaged, growing out of proportion. Runs in the child that unpacks (unpack.h): it blocks on the descriptor.
#pragma once

#include "platform/received.h"
#include "util/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lectio {

class PlainBytes {
  public:
    PlainBytes(int input, const ReceiveLimits& limits);
    ~PlainBytes();
    PlainBytes(const PlainBytes&) = delete;
    PlainBytes& operator=(const PlainBytes&) = delete;

    // The next piece; empty at the end, and where refused() says why there is none. An Error: the descriptor failed.
    Result<std::string_view> next();
    [[nodiscard]] const Text& refused() const;

    // The first bytes that were given, a block of a tar at most: they tell what it is.
    [[nodiscard]] std::string_view beginning() const;
    [[nodiscard]] std::string_view compression() const; // "", "gz", "zst", "xz", "bz2"
    [[nodiscard]] std::uint64_t came() const;           // bytes of the descriptor
    [[nodiscard]] std::uint64_t given() const;          // bytes of next()
    // How many bytes at the end of what was given were zero without a break.
    [[nodiscard]] std::uint64_t zeros_at_end() const;

  private:
    class Source;
    class Layer;
    class AsItIs;
    class Gzip;
    class ByLibarchive;
    Result<void> begin();

    const ReceiveLimits m_limits;
    std::unique_ptr<Source> m_source;
    std::unique_ptr<Layer> m_layer;
    std::string_view m_compression;
    Text m_refused;
    std::string m_beginning;
    std::uint64_t m_given = 0;
    std::uint64_t m_zeros = 0;
};

// "larger than N times what came": the same words for bytes and for what they become on the disk.
Text why_out_of_proportion(std::uint64_t became, std::uint64_t came, const ReceiveLimits& limits);

} // namespace lectio
