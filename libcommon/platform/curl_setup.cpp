#include "platform/curl_setup.h"

#include <filesystem>
#include <stdexcept>
#include <system_error>

#include <curl/curl.h>

namespace lectio {
namespace {

constexpr const char* k_ca_folder = "/etc/ssl/certs";

// Reading the one certificate that is needed from a hashed folder costs a tenth of reading the whole bundle
// (CONTRACT 33). A folder without hashed names would trust nothing.
bool is_hashed_folder(const char* folder) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        if (name.size() == 10 && name[8] == '.' && name.find_first_not_of("0123456789abcdef") == 8) {
            return true;
        }
    }
    return false;
}
bool has_ca_folder() {
    static const bool hashed = is_hashed_folder(k_ca_folder);
    return hashed;
}

} // namespace

void initialise_libcurl() {
    static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) {
        throw std::runtime_error(curl_easy_strerror(code));
    }
}

void trust(void* easy, const std::string& ca) {
    // What fails here shows as a failed transfer.
    if (!ca.empty()) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca.c_str());
        curl_easy_setopt(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    } else if (has_ca_folder()) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, static_cast<const char*>(nullptr));
        curl_easy_setopt(easy, CURLOPT_CAPATH, k_ca_folder);
    }
}

} // namespace lectio
