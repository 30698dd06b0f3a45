// A peer that says what the input says, whatever it is asked, and hangs up: connect() is taken over, so that a fuzzer
// reaches the product's real sockets code without a server, a thread or a wait, and nothing leaves the process.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectio::fuzz {

// What the next connections hear, one each, in this order; what comes after them is refused. Ends what was before.
void script(const std::vector<std::string_view>& said);

// What each connection since script() has been told by the product.
std::vector<std::string> heard();

} // namespace lectio::fuzz
