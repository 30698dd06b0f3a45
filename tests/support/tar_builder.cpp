#include "support/tar_builder.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include <zlib.h>

namespace lectio {
namespace {

constexpr std::size_t k_block = 512;

void put(std::string& header, std::size_t at, std::size_t room, std::string_view value) {
    header.replace(at, std::min(room, value.size()), value.substr(0, room));
}

std::string header_of(const TarBuilder::Entry& entry) {
    std::string header(k_block, '\0');
    const long long size = entry.size >= 0 ? entry.size : static_cast<long long>(entry.content.size());
    put(header, 0, 100, entry.name);
    put(header, 100, 8, fmt::format("{:07o}", entry.mode));
    put(header, 108, 8, "0000000");
    put(header, 116, 8, "0000000");
    put(header, 124, 12, fmt::format("{:011o}", size));
    put(header, 136, 12, "14000000000");
    header[156] = entry.type;
    put(header, 157, 100, entry.target);
    put(header, 257, 8, std::string_view("ustar\00000", 8));
    put(header, 345, 155, entry.prefix);
    put(header, 148, 8, "        ");
    unsigned sum = 0;
    for (const char c : header) {
        sum += static_cast<unsigned char>(c);
    }
    put(header, 148, 8, fmt::format("{:06o}", sum + (entry.wrong_checksum ? 1 : 0)));
    header[154] = '\0';
    return header;
}

} // namespace

TarBuilder& TarBuilder::add(const Entry& entry) {
    m_bytes += header_of(entry);
    m_bytes += entry.content;
    m_bytes.resize((m_bytes.size() + k_block - 1) / k_block * k_block);
    return *this;
}

TarBuilder& TarBuilder::file(std::string_view name, std::string_view content, unsigned mode) {
    Entry entry;
    entry.name = name, entry.content = content, entry.mode = mode;
    return add(entry);
}

TarBuilder& TarBuilder::folder(std::string_view name, unsigned mode) {
    Entry entry;
    entry.name = name, entry.type = '5', entry.mode = mode;
    return add(entry);
}

TarBuilder& TarBuilder::link(std::string_view name, std::string_view target) {
    Entry entry;
    entry.name = name, entry.type = '2', entry.target = target;
    return add(entry);
}

TarBuilder& TarBuilder::hard_link(std::string_view name, std::string_view target) {
    Entry entry;
    entry.name = name, entry.type = '1', entry.target = target;
    return add(entry);
}

TarBuilder& TarBuilder::pax(const std::vector<std::pair<std::string, std::string>>& records, char type) {
    Entry entry;
    entry.name = "pax", entry.type = type;
    for (const auto& [key, value] : records) {
        // "LENGTH KEY=VALUE\n", where LENGTH counts its own digits.
        const std::size_t rest = key.size() + value.size() + 3;
        std::size_t length = rest + 1;
        while (length != rest + std::to_string(length).size()) {
            ++length;
        }
        entry.content += fmt::format("{} {}=", length, key) + value + "\n";
    }
    return add(entry);
}

TarBuilder& TarBuilder::raw(std::string_view bytes) {
    m_bytes += bytes;
    return *this;
}

std::string TarBuilder::done() const {
    return m_bytes + std::string(2 * k_block, '\0');
}

std::string gzipped(std::string_view bytes) {
    z_stream stream{};
    constexpr int k_gzip = 16 + MAX_WBITS;
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, k_gzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::runtime_error("zlib");
    }
    std::string packed(deflateBound(&stream, bytes.size()), '\0');
    std::string given(bytes);
    stream.next_in = reinterpret_cast<Bytef*>(given.data());
    stream.avail_in = static_cast<uInt>(given.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    const int done = deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    if (done != Z_STREAM_END) {
        throw std::runtime_error("zlib");
    }
    return packed;
}

} // namespace lectio
