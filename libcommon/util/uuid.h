// Universally unique identifiers.
#pragma once

#include <string>

namespace lectio {

// RFC 9562 version 4: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"; no two are the same.
std::string random_uuid();

} // namespace lectio
