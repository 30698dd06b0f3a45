#include "platform/rdb_file.h"

#include "platform/folder_names.h"
#include "platform/stop.h"
#include "platform/trusted_path.h"
#include "util/number.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include <sys/stat.h>

namespace lectio {
namespace {

constexpr std::size_t k_piece = 1U << 18U;
constexpr std::string_view k_magic = "REDIS";
constexpr std::size_t k_digits_of_format = 4, k_checksum_size = 8, k_stream_id_size = 16;
constexpr int k_first_format_with_checksum = 5;
constexpr std::uint64_t k_longest_remark = 1024; // of what a dump says of itself: a version, a number

// ── CRC-64 ──────────────────────────────────────────────────────────────────────────────────────────────────

constexpr std::size_t k_at_once = 8;
using CrcTables = std::array<std::array<std::uint64_t, 256>, k_at_once>;

// Eight tables, eight bytes a step ("slicing"): a dump of gigabytes is read as fast as the disk gives it.
constexpr CrcTables make_tables() {
    constexpr std::uint64_t k_polynomial = 0x95ac9329ac4bc9b5ULL; // 0xad93d23594c935a9, its bits reversed
    CrcTables tables{};
    for (std::size_t byte = 0; byte < 256; ++byte) {
        std::uint64_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? k_polynomial : 0);
        }
        tables[0][byte] = crc;
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
        for (std::size_t table = 1; table < k_at_once; ++table) {
            const std::uint64_t before = tables[table - 1][byte];
            tables[table][byte] = (before >> 8U) ^ tables[0][before & 255U];
        }
    }
    return tables;
}
constexpr CrcTables k_tables = make_tables();

std::uint64_t little_endian(std::string_view bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) {
        number = (number << 8U) | static_cast<unsigned char>(bytes[i]);
    }
    return number;
}

std::uint64_t big_endian(std::string_view bytes) {
    std::uint64_t number = 0;
    for (const char byte : bytes) {
        number = (number << 8U) | static_cast<unsigned char>(byte);
    }
    return number;
}

// ── the file as a stream ────────────────────────────────────────────────────────────────────────────────────

class Input {
  public:
    Input(int file, std::uint64_t size, const Path& shown, Clock& clock, SteadyTime until)
        : m_file(file), m_left(size), m_shown(shown), m_clock(clock), m_until(until) {}

    [[nodiscard]] std::uint64_t position() const { return m_position; }
    [[nodiscard]] std::uint64_t crc() const { return m_crc; }
    [[nodiscard]] std::uint64_t left() const { return m_left; } // of the file

    [[nodiscard]] Error damaged(std::string_view why) const {
        return {ErrorKind::invalid,
                fmt::format("the dump of Redis is damaged at byte {}: {}", m_position, why)};
    }

    Result<std::string> take(std::uint64_t size) {
        if (size > m_left) {
            return damaged("its end is missing");
        }
        std::string bytes;
        LECTIO_TRY(pass(size, &bytes));
        return bytes;
    }
    Result<void> skip(std::uint64_t size) {
        return size > m_left ? damaged("its end is missing") : pass(size, nullptr);
    }
    Result<std::uint8_t> byte() {
        const Result<std::string> one = take(1);
        LECTIO_TRY(one);
        return static_cast<std::uint8_t>(one->front());
    }

  private:
    Result<void> pass(std::uint64_t size, std::string* kept) {
        while (size > 0) {
            if (m_next == m_held.size()) {
                LECTIO_TRY(fill());
            }
            const std::size_t part = std::min<std::uint64_t>(size, m_held.size() - m_next);
            const std::string_view bytes(m_held.data() + m_next, part);
            m_crc = crc64(m_crc, bytes);
            if (kept != nullptr) {
                kept->append(bytes);
            }
            m_next += part;
            m_position += part;
            m_left -= part;
            size -= part;
        }
        return {};
    }
    Result<void> fill() {
        if (stop_requested() || m_clock.steady() >= m_until) {
            return no_time_left("read", m_shown);
        }
        m_held.resize(k_piece);
        ssize_t got = -1;
        do {
            got = ::read(m_file, m_held.data(), m_held.size());
        } while (got < 0 && errno == EINTR);
        if (got < 0) {
            return unable("read", m_shown);
        }
        m_held.resize(static_cast<std::size_t>(got));
        m_next = 0;
        return got == 0 ? damaged("its end is missing") : Result<void>{};
    }

    int m_file;
    std::uint64_t m_left, m_position = 0, m_crc = 0;
    std::vector<char> m_held;
    std::size_t m_next = 0;
    const Path& m_shown;
    Clock& m_clock;
    SteadyTime m_until;
};

// ── the structure (rdb.h) ───────────────────────────────────────────────────────────────────────────────────

// NOLINTNEXTLINE(readability-identifier-naming): as rdb.h has them
enum Code : std::uint8_t {
    k_string = 0,
    k_list = 1,
    k_set = 2,
    k_sorted_set = 3,
    k_hash = 4,
    k_sorted_set_2 = 5,
    k_module_2 = 7,
    k_hash_zipmap = 9,
    k_list_ziplist = 10,
    k_set_intset = 11,
    k_sorted_set_ziplist = 12,
    k_hash_ziplist = 13,
    k_quicklist = 14,
    k_stream = 15,
    k_hash_listpack = 16,
    k_sorted_set_listpack = 17,
    k_quicklist_2 = 18,
    k_stream_2 = 19,
    k_set_listpack = 20,
    k_stream_3 = 21,
    k_hash_metadata_early = 22,
    k_hash_listpack_expiring_early = 23,
    k_hash_metadata = 24,
    k_hash_listpack_expiring = 25,
    k_slot_info = 244,
    k_function = 245,
    k_module_aux = 247,
    k_idle = 248,
    k_frequency = 249,
    k_remark = 250,
    k_resize = 251,
    k_expires_ms = 252,
    k_expires = 253,
    k_select = 254,
    k_end = 255,
};

class Reader {
  public:
    explicit Reader(Input& input) : m_input(input) {}

    Result<RdbFacts> read() {
        const Result<std::string> head =
            m_input.take(std::min<std::uint64_t>(m_input.left(), k_magic.size() + k_digits_of_format));
        LECTIO_TRY(head);
        const auto format =
            number_from<int>(std::string_view(*head).substr(std::min(k_magic.size(), head->size())));
        if (!head->starts_with(k_magic) || !format || *format < 1) {
            return Error{ErrorKind::invalid, "it is no dump of Redis"};
        }
        m_facts.format = *format;
        for (bool more = true; more;) {
            const Result<bool> next = part();
            LECTIO_TRY(next);
            more = *next;
        }
        LECTIO_TRY(checksum());
        return std::move(m_facts);
    }

  private:
    // False: that was the last.
    Result<bool> part() {
        const Result<std::uint8_t> code = m_input.byte();
        LECTIO_TRY(code);
        switch (*code) {
        case k_end:
            return false;
        case k_select: {
            const Result<std::uint64_t> number = length();
            LECTIO_TRY(number);
            if (*number > static_cast<std::uint64_t>(std::numeric_limits<int>::max())) {
                return m_input.damaged("a database with such a number is none");
            }
            m_database = static_cast<int>(*number);
            return true;
        }
        case k_remark:
            return then_more(remark());
        case k_resize:
            return then_more(lengths(2));
        case k_slot_info:
            return then_more(lengths(3));
        case k_idle:
            return then_more(lengths(1));
        case k_frequency:
            return then_more(m_input.skip(1));
        case k_expires:
            return then_more(m_input.skip(4));
        case k_expires_ms:
            return then_more(m_input.skip(8));
        case k_function:
            return then_more(strings(1));
        case k_module_aux:
            m_facts.modules = true;
            LECTIO_TRY(lengths(3)); // of which module, and when it is to be loaded
            return then_more(module_value());
        default:
            return key(*code);
        }
    }

    static Result<bool> then_more(const Result<void>& done) {
        return done ? Result<bool>(true) : done.error();
    }

    Result<bool> key(std::uint8_t type) {
        LECTIO_TRY(strings(1));
        const Result<bool> known = value(type);
        LECTIO_TRY(known);
        if (*known) {
            ++m_facts.keys[m_database];
            return true;
        }
        // Where it ends only its own server knows; the checksum still covers it.
        m_facts.understood = false;
        LECTIO_TRY(m_input.left() <= k_checksum_size ? Result<void>(m_input.damaged("its end is missing"))
                                                     : m_input.skip(m_input.left() - k_checksum_size));
        return false;
    }

    // False: a type that came after this reader.
    Result<bool> value(std::uint8_t type) {
        switch (type) {
        case k_string:
        case k_hash_zipmap:
        case k_list_ziplist:
        case k_set_intset:
        case k_sorted_set_ziplist:
        case k_hash_ziplist:
        case k_hash_listpack:
        case k_sorted_set_listpack:
        case k_set_listpack:
        case k_hash_listpack_expiring_early:
            return then_more(strings(1));
        case k_hash_listpack_expiring:
            LECTIO_TRY(m_input.skip(8)); // the first time at which a field expires
            return then_more(strings(1));
        case k_list:
        case k_set:
        case k_quicklist:
            return then_more(each([this] { return strings(1); }));
        case k_hash:
            return then_more(each([this] { return strings(2); }));
        case k_sorted_set:
            return then_more(each([this] { return member_with_written_score(); }));
        case k_sorted_set_2:
            return then_more(each([this]() -> Result<void> {
                LECTIO_TRY(strings(1));
                return m_input.skip(8); // its score
            }));
        case k_quicklist_2:
            return then_more(each([this]() -> Result<void> {
                LECTIO_TRY(lengths(1)); // how the node is packed
                return strings(1);
            }));
        case k_hash_metadata:
            LECTIO_TRY(m_input.skip(8));
            [[fallthrough]];
        case k_hash_metadata_early:
            return then_more(each([this]() -> Result<void> {
                LECTIO_TRY(lengths(1)); // when the field expires
                return strings(2);
            }));
        case k_stream:
            return then_more(stream(1));
        case k_stream_2:
            return then_more(stream(2));
        case k_stream_3:
            return then_more(stream(3));
        case k_module_2:
            m_facts.modules = true;
            LECTIO_TRY(lengths(1));
            return then_more(module_value());
        default:
            return false;
        }
    }

    template<class One>
    Result<void> each(const One& one) {
        const Result<std::uint64_t> count = length();
        LECTIO_TRY(count);
        for (std::uint64_t i = 0; i < *count; ++i) {
            LECTIO_TRY(one());
        }
        return {};
    }

    Result<void> member_with_written_score() {
        constexpr std::uint8_t k_not_a_number = 253; // and 254 and 255: the infinities
        LECTIO_TRY(strings(1));
        const Result<std::uint8_t> size = m_input.byte();
        LECTIO_TRY(size);
        return m_input.skip(*size < k_not_a_number ? *size : 0);
    }

    Result<void> stream(int version) {
        LECTIO_TRY(each([this] { return strings(2); })); // a node's id and its entries
        LECTIO_TRY(lengths(version >= 2 ? 8 : 3));       // how many, the last id, the first …
        return each([this, version] { return group(version); });
    }
    Result<void> group(int version) {
        LECTIO_TRY(strings(1));
        LECTIO_TRY(lengths(version >= 2 ? 3 : 2)); // its last id, how far it has read
        LECTIO_TRY(each([this] { return pending(); }));
        return each([this, version] { return consumer(version); });
    }
    Result<void> pending() {
        LECTIO_TRY(m_input.skip(k_stream_id_size + 8)); // when it was delivered
        return lengths(1);                              // how often
    }
    Result<void> consumer(int version) {
        LECTIO_TRY(strings(1));
        LECTIO_TRY(m_input.skip(version >= 3 ? 16 : 8)); // when it was seen, when it was active
        return each([this] { return m_input.skip(k_stream_id_size); });
    }

    Result<void> module_value() {
        constexpr std::uint64_t k_over = 0, k_signed = 1, k_unsigned = 2, k_float = 3, k_double = 4,
                                k_text = 5;
        for (;;) {
            const Result<std::uint64_t> kind = length();
            LECTIO_TRY(kind);
            switch (*kind) {
            case k_over:
                return {};
            case k_signed:
            case k_unsigned:
                LECTIO_TRY(lengths(1));
                break;
            case k_float:
                LECTIO_TRY(m_input.skip(4));
                break;
            case k_double:
                LECTIO_TRY(m_input.skip(8));
                break;
            case k_text:
                LECTIO_TRY(strings(1));
                break;
            default:
                return m_input.damaged("a module's value is of no kind");
            }
        }
    }

    Result<void> remark() {
        const Result<std::string> name = short_string();
        LECTIO_TRY(name);
        const Result<std::string> said = short_string();
        LECTIO_TRY(said);
        const auto number = number_from<std::int64_t>(*said);
        if (*name == "redis-ver") {
            m_facts.server = clean_line(*said);
        } else if (*name == "used-mem" && number && *number > 0) {
            m_facts.memory = Bytes{static_cast<std::uint64_t>(*number)};
        } else if (*name == "ctime" && number && *number > 0) {
            m_facts.created = *number;
        }
        return {};
    }

    // ── lengths and strings ──

    struct Length {
        std::uint64_t number = 0;
        bool is_encoding = false; // `number` says how a string is encoded
    };
    Result<Length> any_length() {
        const Result<std::uint8_t> first = m_input.byte();
        LECTIO_TRY(first);
        const std::uint64_t low = *first & 63U;
        switch (*first >> 6U) {
        case 0:
            return Length{low};
        case 1: {
            const Result<std::uint8_t> second = m_input.byte();
            LECTIO_TRY(second);
            return Length{(low << 8U) | *second};
        }
        case 2: {
            if (low > 1) {
                return m_input.damaged("a length is of no kind");
            }
            const Result<std::string> bytes = m_input.take(low == 0 ? 4 : 8);
            LECTIO_TRY(bytes);
            return Length{big_endian(*bytes)};
        }
        default:
            return Length{low, true};
        }
    }
    Result<std::uint64_t> length() {
        const Result<Length> one = any_length();
        LECTIO_TRY(one);
        return one->is_encoding ? Result<std::uint64_t>(m_input.damaged("a length is missing")) : one->number;
    }
    Result<void> lengths(int count) {
        for (int i = 0; i < count; ++i) {
            LECTIO_TRY(length());
        }
        return {};
    }

    Result<void> strings(int count) {
        for (int i = 0; i < count; ++i) {
            const Result<std::uint64_t> size = size_of_string();
            LECTIO_TRY(size);
            LECTIO_TRY(m_input.skip(*size));
        }
        return {};
    }
    // Of what follows; an integer is 1, 2 or 4 bytes.
    Result<std::uint64_t> size_of_string() {
        constexpr std::uint64_t k_int32 = 2, k_lzf = 3;
        m_integer = false;
        const Result<Length> size = any_length();
        LECTIO_TRY(size);
        if (!size->is_encoding) {
            return size->number;
        }
        if (size->number <= k_int32) {
            m_integer = true;
            return std::uint64_t{1} << size->number;
        }
        if (size->number != k_lzf) {
            return m_input.damaged("a string is of no kind");
        }
        const Result<std::uint64_t> packed = length();
        LECTIO_TRY(packed);
        LECTIO_TRY(lengths(1)); // unpacked
        return *packed;
    }
    Result<std::string> short_string() {
        const Result<std::uint64_t> size = size_of_string();
        LECTIO_TRY(size);
        const bool is_integer = m_integer;
        if (*size > k_longest_remark) {
            LECTIO_TRY(m_input.skip(*size));
            return std::string();
        }
        Result<std::string> bytes = m_input.take(*size);
        LECTIO_TRY(bytes);
        return is_integer ? std::to_string(little_endian(*bytes)) : *bytes;
    }

    Result<void> checksum() {
        if (m_facts.format >= k_first_format_with_checksum) {
            const std::uint64_t ours = m_input.crc();
            const Result<std::string> bytes = m_input.take(k_checksum_size);
            LECTIO_TRY(bytes);
            const std::uint64_t its = little_endian(*bytes);
            m_facts.has_checksum = its != 0;
            if (m_facts.has_checksum && its != ours) {
                return Error{ErrorKind::invalid, "the dump of Redis does not have its checksum"};
            }
        }
        return m_input.left() == 0 ? Result<void>{} : m_input.damaged("something follows its end");
    }

    Input& m_input;
    RdbFacts m_facts;
    int m_database = 0;
    bool m_integer = false;
};

} // namespace

std::uint64_t crc64(std::uint64_t crc, std::string_view bytes) {
    while (bytes.size() >= k_at_once) {
        crc ^= little_endian(bytes.substr(0, k_at_once));
        std::uint64_t next = 0;
        for (std::size_t i = 0; i < k_at_once; ++i) {
            next ^= k_tables[k_at_once - 1 - i][(crc >> (8 * i)) & 255U];
        }
        crc = next;
        bytes.remove_prefix(k_at_once);
    }
    for (const char byte : bytes) {
        crc = k_tables[0][(crc ^ static_cast<unsigned char>(byte)) & 255U] ^ (crc >> 8U);
    }
    return crc;
}

Result<RdbFacts> read_rdb(const Path& file, Clock& clock, SteadyTime until) {
    const Result<UniqueFd> opened = open_trusted_file(file);
    LECTIO_TRY(opened);
    struct stat status {};
    if (::fstat(opened->get(), &status) != 0) {
        return unable("examine", file);
    }
    Input input(opened->get(), static_cast<std::uint64_t>(status.st_size), file, clock, until);
    return Reader(input).read();
}

} // namespace lectio
