#include "support/temp_folder.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace lectio {

namespace {

Path place_for(TempFolder::Kept kept) {
    constexpr std::uintmax_t k_much = 512'000'000;
    const Path memory = "/dev/shm";
    std::error_code error;
    const bool has_room = std::filesystem::space(memory, error).available > k_much && !error;
    const bool is_told_where = std::getenv("TMPDIR") != nullptr;
    return kept == TempFolder::Kept::in_memory && has_room && !is_told_where
               ? memory
               : std::filesystem::temp_directory_path();
}

} // namespace

TempFolder::TempFolder(Kept kept) {
    std::string name = (place_for(kept) / "lectio-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("no temporary folder");
    }
    m_path = name;
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
}

void spill(const Path& path, std::string_view content) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << content;
    if (!out.flush()) {
        throw std::runtime_error("unable to write " + path.string());
    }
}

std::string slurp(const Path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        throw std::runtime_error("unable to read " + path.string());
    }
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace lectio
