// What a file of a build is by its name, and whether it is that by its content.
#pragma once

#include <string>
#include <string_view>

namespace lectio::release {

enum class FileKind { page, script, style, json, source_map, other };
FileKind kind_of(std::string_view path);
// ".tsx", ".vue" …: what a build makes scripts of, and no browser takes.
bool is_source_code(std::string_view path);

// A document of HTML as browsers and builds have it: a doctype or an <html>, whatever stands before.
bool is_page(std::string_view content);
// Begins as a page: no script, style sheet or JSON does.
bool begins_as_page(std::string_view content);
// A NUL where text begins (git's rule: its first 8,000 bytes) or ends: pictures, archives, what a power cut has left.
bool is_text(std::string_view content);

// The text of <title>, and the id of the first <div> that has one; empty: none.
std::string title_of(std::string_view page);
std::string root_element_of(std::string_view page);

} // namespace lectio::release
