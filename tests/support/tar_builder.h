// Tar archives by hand, header by header (POSIX.1-2001, pax: ustar), right or wrong as a test wants them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectio {

class TarBuilder {
  public:
    // `type`: '0' file, '1' hard link, '2' link, '3' '4' devices, '5' folder, '6' FIFO …
    struct Entry {
        std::string name;
        char type = '0';
        std::string content;
        std::string target;
        unsigned mode = 0644;
        std::string prefix;  // of the name, for a longer one
        long long size = -1; // that the header claims; -1: of the content
        bool wrong_checksum = false;
    };
    TarBuilder& add(const Entry& entry);
    TarBuilder& file(std::string_view name, std::string_view content = "content", unsigned mode = 0644);
    TarBuilder& folder(std::string_view name, unsigned mode = 0755);
    TarBuilder& link(std::string_view name, std::string_view target);
    TarBuilder& hard_link(std::string_view name, std::string_view target);
    // Extended header records for the entry that follows; type 'g': for all that follow.
    TarBuilder& pax(const std::vector<std::pair<std::string, std::string>>& records, char type = 'x');
    TarBuilder& raw(std::string_view bytes);

    [[nodiscard]] std::string without_end() const { return m_bytes; }
    [[nodiscard]] std::string done() const; // with the two blocks that close it

  private:
    std::string m_bytes;
};

std::string gzipped(std::string_view bytes);

} // namespace lectio
