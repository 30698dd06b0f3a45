#include "platform/mail.h"

#include "platform/clock.h"
#include "platform/curl_setup.h"
#include "platform/dial.h"
#include "platform/http_url.h"
#include "platform/resolver.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include <curl/curl.h>
#include <fmt/format.h>

namespace lectio {
namespace {

using Failure = MailAnswer::Failure;

constexpr std::size_t k_longest_reply = 300;

struct MailUrl {
    bool tls = false; // from the first byte on
    std::string host;
    int port = 25;
};

std::optional<MailUrl> parse_mail_url(std::string_view text) {
    MailUrl url;
    if (text.starts_with("smtps://")) {
        url.tls = true;
        url.port = 465;
    } else if (!text.starts_with("smtp://")) {
        return std::nullopt;
    }
    text.remove_prefix(text.find("//") + 2);
    text = text.substr(0, text.find('/'));
    const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    if (bracket == std::string_view::npos || text.find('@') != std::string_view::npos) {
        return std::nullopt; // a password in a URL would be shown with it
    }
    const std::size_t colon = text.find(':', bracket);
    if (colon != std::string_view::npos) {
        url.port = number_from<int>(text.substr(colon + 1)).value_or(0);
    }
    url.host = bracket > 0 ? text.substr(1, bracket - 1) : text.substr(0, colon);
    const bool usable = !url.host.empty() && url.port > 0 && url.port <= 65535;
    return usable ? std::optional(std::move(url)) : std::nullopt;
}

std::string in_brackets(const std::string& host) {
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

struct ListDeleter {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

void append(List& list, const std::string& line) {
    list.reset(curl_slist_append(list.release(), line.c_str()));
}

template<class Value>
void set(CURL* easy, CURLoption option, Value value) {
    // What fails here shows as a failed transfer.
    curl_easy_setopt(easy, option, value);
}

// What is said on the wire, as libcurl's debug function sees it: which command the last reply belongs to. Of the
// commands only the first word is looked at: what follows AUTH is the password.
class Dialogue {
  public:
    enum class Command { connecting, hello, starttls, auth, mail, rcpt, data, content };

    void said_by_us(std::string_view line) {
        is_over = is_over || line.starts_with("QUIT"); // what is answered to that explains nothing
        constexpr std::array<std::pair<std::string_view, Command>, 7> k_words{
            {{"EHLO", Command::hello},
             {"HELO", Command::hello},
             {"STARTTLS", Command::starttls},
             {"AUTH", Command::auth},
             {"MAIL", Command::mail},
             {"RCPT", Command::rcpt},
             {"DATA", Command::data}}};
        for (const auto& [word, meaning] : k_words) {
            if (line.starts_with(word)) {
                command = meaning;
            }
        }
        if (command == Command::rcpt) {
            const std::size_t open = line.find('<');
            receiver = open == std::string_view::npos ? "" : line.substr(open + 1, line.find('>') - open - 1);
        }
    }
    void said_by_server(std::string_view line) {
        const std::optional<int> number = number_from<int>(line.substr(0, 3));
        if (is_over || !number || line.size() < 4) {
            return;
        }
        code = *number;
        words = shorten(redact(clean_line(line.substr(4))), k_longest_reply);
        const bool is_last_line = line[3] != '-'; // RFC 5321, 4.2.1
        if (command == Command::rcpt && code >= 400 && is_last_line) {
            refused_receivers.push_back(receiver);
            refusal_code = code;
            refusal_words = words;
        }
    }

    Command command = Command::connecting;
    int code = 0;
    std::string words;
    std::string receiver;
    std::vector<std::string> refused_receivers;
    int refusal_code = 0;
    std::string refusal_words;
    bool is_over = false;
};

class MailTransfer {
  public:
    explicit MailTransfer(const MailRequest& request)
        : m_request(request), m_deadline(std::chrono::steady_clock::now() + request.timeout),
          m_error_text(CURL_ERROR_SIZE, '\0') {}

    MailAnswer send() {
        const std::optional<MailUrl> url = parse_mail_url(m_request.url);
        if (!url) {
            return fail(Failure::bad_url, "not smtp://host:port or smtps://host:port");
        }
        const NameLookup lookup = look_up(*url);
        if (!lookup.error.empty()) {
            const bool silent = std::chrono::steady_clock::now() >= m_deadline;
            return fail(lookup.own_fault ? Failure::own_fault
                        : silent         ? Failure::dns_timeout
                                         : Failure::dns,
                        lookup.error);
        }
        initialise_libcurl();
        const std::unique_ptr<CURL, void (*)(CURL*)> easy(curl_easy_init(), curl_easy_cleanup);
        if (easy == nullptr) {
            return fail(Failure::own_fault, "out of memory");
        }
        set_up(easy.get(), *url, lookup);
        const CURLcode code = curl_easy_perform(easy.get());
        return judge(easy.get(), code);
    }

  private:
    [[nodiscard]] NameLookup look_up(const MailUrl& url) const {
        return m_request.resolve.empty() ? lookup_in_time(system_lookup, url.host, m_deadline)
                                         : NameLookup{{m_request.resolve}, {}, false};
    }

    MailAnswer fail(Failure failure, std::string_view detail) {
        m_answer.failure = failure;
        m_answer.detail = redact(clean_line(detail));
        return std::move(m_answer);
    }

    void set_up(CURL* easy, const MailUrl& url, const NameLookup& lookup) {
        using std::chrono::milliseconds;
        const auto left =
            std::chrono::duration_cast<milliseconds>(m_deadline - std::chrono::steady_clock::now());
        set(easy, CURLOPT_NOSIGNAL, 1L);
        set(easy, CURLOPT_ERRORBUFFER, m_error_text.data());
        set(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
        set(easy, CURLOPT_PROXY, ""); // the environment's is none of ours
        set(easy, CURLOPT_TIMEOUT_MS, std::max<long>(1, static_cast<long>(left.count())));
        m_url = fmt::format("{}://{}:{}", url.tls ? "smtps" : "smtp", in_brackets(url.host), url.port);
        set(easy, CURLOPT_URL, m_url.c_str());
        // libcurl asks no resolver itself (CONTRACT 34).
        std::vector<std::string> addresses;
        for (const std::string& address : lookup.addresses) {
            addresses.push_back(in_brackets(address));
        }
        append(m_resolve, fmt::format("{}:{}:{}", url.host, url.port, fmt::join(addresses, ",")));
        set(easy, CURLOPT_RESOLVE, m_resolve.get());
        set_up_tls(easy);
        set_up_login(easy);
        set_up_message(easy);
        set(easy, CURLOPT_VERBOSE, 1L); // to the function only: nothing is printed
        set(easy, CURLOPT_DEBUGFUNCTION, &listen);
        set(easy, CURLOPT_DEBUGDATA, this);
    }

    void set_up_tls(CURL* easy) {
        const bool required = m_request.starttls == MailRequest::StartTls::required;
        set(easy, CURLOPT_USE_SSL, required ? long{CURLUSESSL_ALL} : long{CURLUSESSL_NONE});
        trust(easy, m_request.ca);
    }

    void set_up_login(CURL* easy) {
        if (!m_request.user.empty()) {
            set(easy, CURLOPT_USERNAME, m_request.user.c_str());
            set(easy, CURLOPT_PASSWORD, m_request.password.reveal().c_str());
            // All but Kerberos, which libcurl would try for any name with an @ and for which nobody has a ticket here.
            set(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5;AUTH=DIGEST-MD5;AUTH=NTLM");
        }
    }

    void set_up_message(CURL* easy) {
        m_from = "<" + m_request.from + ">";
        set(easy, CURLOPT_MAIL_FROM, m_from.c_str());
        for (const std::string& receiver : m_request.to) {
            append(m_receivers, "<" + receiver + ">");
        }
        set(easy, CURLOPT_MAIL_RCPT, m_receivers.get());
        set(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L); // one wrong address keeps nothing from the others
        set(easy, CURLOPT_UPLOAD, 1L);
        set(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(m_request.message.size()));
        set(easy, CURLOPT_READFUNCTION, &read);
        set(easy, CURLOPT_READDATA, this);
    }

    static std::size_t read(char* buffer, std::size_t size, std::size_t count, void* data) {
        MailTransfer& me = *static_cast<MailTransfer*>(data);
        const std::size_t piece = std::min(size * count, me.m_request.message.size() - me.m_read);
        std::memcpy(buffer, me.m_request.message.data() + me.m_read, piece);
        me.m_read += piece;
        me.m_dialogue.command = Dialogue::Command::content;
        return piece;
    }

    static int listen(CURL*, curl_infotype type, char* data, std::size_t size, void* transfer) {
        Dialogue& dialogue = static_cast<MailTransfer*>(transfer)->m_dialogue;
        if (type == CURLINFO_HEADER_OUT) {
            dialogue.said_by_us({data, size});
        } else if (type == CURLINFO_HEADER_IN) {
            dialogue.said_by_server({data, size});
        }
        return 0;
    }

    MailAnswer judge(CURL* easy, CURLcode code) {
        char* address = nullptr;
        curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
        m_answer.address = address != nullptr ? address : "";
        m_answer.code = m_dialogue.code;
        m_answer.said = m_dialogue.words;
        m_answer.handed_over =
            m_dialogue.command == Dialogue::Command::content && m_read == m_request.message.size();
        if (code == CURLE_OK) {
            m_answer.left_out = m_dialogue.refused_receivers;
            return std::move(m_answer);
        }
        const std::string words =
            m_error_text.front() != '\0' ? m_error_text.c_str() : curl_easy_strerror(code);
        if (m_dialogue.command == Dialogue::Command::rcpt && m_dialogue.refusal_code > 0) {
            m_answer.code = m_dialogue.refusal_code;
            m_answer.said = m_dialogue.refusal_words;
        }
        return fail(failure_of(easy, code), words);
    }

    [[nodiscard]] Failure failure_of(CURL* easy, CURLcode code) const {
        switch (code) {
        case CURLE_COULDNT_CONNECT:
            return why_not_connected(easy);
        case CURLE_OPERATION_TIMEDOUT:
            return Failure::timeout;
        case CURLE_USE_SSL_FAILED:
            return Failure::no_starttls;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_CACERT_BADFILE:
            return Failure::tls;
        case CURLE_LOGIN_DENIED:
            return Failure::login;
        case CURLE_OUT_OF_MEMORY:
            return Failure::own_fault;
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_GOT_NOTHING:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_REMOTE_ACCESS_DENIED:
            return m_answer.code >= 400 ? refusal() : Failure::closed;
        default:
            return Failure::other;
        }
    }

    // By the command that the last reply refuses.
    [[nodiscard]] Failure refusal() const {
        switch (m_dialogue.command) {
        case Dialogue::Command::auth:
            return Failure::login;
        case Dialogue::Command::mail:
            return Failure::sender;
        case Dialogue::Command::rcpt:
            return Failure::receiver;
        case Dialogue::Command::data:
        case Dialogue::Command::content:
            return Failure::content;
        case Dialogue::Command::starttls:
            return Failure::no_starttls;
        case Dialogue::Command::connecting:
        case Dialogue::Command::hello:
            break;
        }
        return Failure::greeting;
    }

    static Failure why_not_connected(CURL* easy) {
        long error = 0;
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
        return error == 0 ? Failure::other : failure_as<Failure>(failure_to_connect(static_cast<int>(error)));
    }

    const MailRequest& m_request;
    SteadyTime m_deadline;
    std::string m_error_text; // CURLOPT_ERRORBUFFER
    std::string m_url, m_from;
    List m_resolve, m_receivers;
    Dialogue m_dialogue;
    std::size_t m_read = 0; // of the message, by libcurl
    MailAnswer m_answer;
};

} // namespace

MailAnswer send_mail(const MailRequest& request) {
    return MailTransfer(request).send();
}

} // namespace lectio
