// How the history keeps a run small: texts as words and numbers, numbers in as few bytes as they need.
//
// "9.8% of 20 GB free" is new every minute, its words never are. So they are stored once and the numbers with the
// run: '\x01' stands for each. Nothing is lost: unpacked, the text is what it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct PackedText {
    std::string words;
    std::vector<std::uint64_t> numbers; // one for each '\x01' of words
};
// Control characters but newline and tab become '?', so that those of the packing stay our own.
PackedText pack_text(std::string_view text);
// Takes as many numbers as the words have places, from `next` on; what is missing is left out.
std::string unpack_text(std::string_view words, const std::vector<std::uint64_t>& numbers, std::size_t& next);
std::size_t places_in(std::string_view words);

// LEB128: seven bits a byte, the lowest first; 1 to 10 bytes.
void put_number(std::string& bytes, std::uint64_t number);
// As float: seven digits are more than any figure of a check is good for. 4 bytes, little-endian.
void put_figure(std::string& bytes, double figure);

// Reads what put_…() wrote. Nothing when the bytes are over or no such number: they may be damaged.
class Unpacker {
  public:
    explicit Unpacker(std::string_view bytes) : m_rest(bytes) {}
    std::optional<std::uint64_t> number();
    std::optional<double> figure();
    [[nodiscard]] bool at_end() const { return m_rest.empty(); }

  private:
    std::string_view m_rest;
};

} // namespace lectio
