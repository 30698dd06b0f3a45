// What every user of libcurl sets up alike. Only for sources in platform/.
#pragma once

#include <string>

namespace lectio {

// Once a process, by its first transfer; from any thread. Never undone: the process leaves by _exit.
void initialise_libcurl();

// Chain and name are verified against `ca` (a PEM file), or the system's where it is empty (CONTRACT 33). `easy`: CURL*.
void trust(void* easy, const std::string& ca);

} // namespace lectio
