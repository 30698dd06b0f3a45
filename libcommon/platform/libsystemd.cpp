#include "platform/libsystemd.h"

namespace lectio {
namespace {

Libsystemd load_libsystemd() {
    Libsystemd table;
    LoadedLibrary library("libsystemd.so.0");
    LECTIO_LIBSYSTEMD(LECTIO_FIND)
    table.usable = library.lacking() == nullptr;
    return table;
}

} // namespace

const Libsystemd& libsystemd() {
    static const Libsystemd loaded = load_libsystemd();
    return loaded;
}

} // namespace lectio
