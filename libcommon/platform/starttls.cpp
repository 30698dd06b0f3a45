#include "platform/starttls.h"

#include "platform/dial.h"
#include "util/text.h"

#include <array>
#include <cerrno>
#include <string_view>

#include <poll.h>
#include <sys/socket.h>

namespace lectio {
namespace {

using Outcome = Upgrade::Outcome;

constexpr std::size_t k_longest_line = 2048; // 512 (RFC 5321) to 1,000 with what servers add
constexpr std::size_t k_longest_shown = 200; // of what it said, in a message
constexpr int k_most_lines = 100;

// A line a call, read byte by byte: what follows the server's consent belongs to the handshake.
class Dialogue {
  public:
    Dialogue(int fd, SteadyTime deadline) : m_fd(fd), m_deadline(deadline) {}

    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(m_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent > 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
            } else if (!may_go_on(POLLOUT)) {
                return false;
            }
        }
        return true;
    }

    bool read_byte(char& byte) {
        for (;;) {
            const ssize_t size = ::recv(m_fd, &byte, 1, 0);
            if (size == 1) {
                return true;
            }
            if (size == 0 || !may_go_on(POLLIN)) {
                return false; // `size` 0: the server has closed
            }
        }
    }

    bool read_line() {
        m_upgrade.said.clear();
        for (char byte = 0; m_upgrade.said.size() < k_longest_line && read_byte(byte);) {
            if (byte == '\n') {
                m_is_indented = m_upgrade.said.starts_with(' ');
                m_upgrade.said = shorten(clean_line(m_upgrade.said), k_longest_shown);
                return true;
            }
            if (byte != '\r') {
                m_upgrade.said += byte;
            }
        }
        m_upgrade.said = shorten(clean_line(m_upgrade.said), k_longest_shown);
        return false;
    }

    // The first line of a longer answer has a dash after its code, the last one the same code and a blank. Between them
    // SMTP repeats the code (RFC 5321, 4.2.1); FTP may say anything that begins otherwise (RFC 959, 4.2).
    bool read_reply(std::string_view code) {
        std::string begun; // the code of the answer that has more lines
        for (int lines = 0; lines < k_most_lines && read_line(); ++lines) {
            const std::string_view line = m_upgrade.said;
            const bool goes_on = line.size() > 3 && line[3] == '-';
            if (begun.empty() && goes_on) {
                begun = line.substr(0, 3);
            } else if (begun.empty() || (!goes_on && !m_is_indented && line.starts_with(begun))) {
                return line.starts_with(code);
            }
        }
        return false;
    }

    // A line that begins so; IMAP may say other things before.
    bool read_until(std::string_view tag) {
        for (int lines = 0; lines < k_most_lines && read_line(); ++lines) {
            if (m_upgrade.said.starts_with(tag)) {
                return true;
            }
        }
        return false;
    }

    [[nodiscard]] bool said(std::string_view beginning) const {
        return m_upgrade.said.starts_with(beginning);
    }

    Upgrade ended(bool agreed) {
        if (!agreed && m_upgrade.outcome == Outcome::done) {
            m_upgrade.outcome = Outcome::refused;
        }
        return m_upgrade;
    }

  private:
    bool may_go_on(short events) {
        if (errno == EINTR) {
            return true;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            return false;
        }
        if (!wait_until_ready(m_fd, events, m_deadline)) {
            m_upgrade.outcome = Outcome::timeout;
            return false;
        }
        return true;
    }

    int m_fd;
    SteadyTime m_deadline;
    Upgrade m_upgrade;
    bool m_is_indented = false; // the last line
};

bool ask_smtp(Dialogue& server) {
    return server.read_reply("220") && server.send("EHLO lectio-monitor\r\n") && server.read_reply("250") &&
           server.send("STARTTLS\r\n") && server.read_reply("220");
}

bool ask_imap(Dialogue& server) {
    return server.read_line() && server.said("* OK") && server.send("a STARTTLS\r\n") &&
           server.read_until("a ") && server.said("a OK");
}

bool ask_pop3(Dialogue& server) {
    return server.read_line() && server.said("+OK") && server.send("STLS\r\n") && server.read_line() &&
           server.said("+OK");
}

bool ask_ftp(Dialogue& server) {
    return server.read_reply("220") && server.send("AUTH TLS\r\n") && server.read_reply("234");
}

// A length of 8 and the code 80877103, then one letter: S or N.
bool ask_postgres(Dialogue& server) {
    constexpr std::array<char, 8> k_request{0, 0, 0, 8, 0x04, static_cast<char>(0xD2), 0x16, 0x2F};
    char answer = 0;
    return server.send({k_request.data(), k_request.size()}) && server.read_byte(answer) && answer == 'S';
}

} // namespace

Upgrade change_over_to_tls(int fd, StartTls protocol, SteadyTime deadline) {
    Dialogue server(fd, deadline);
    switch (protocol) {
    case StartTls::none:
        return server.ended(true);
    case StartTls::smtp:
        return server.ended(ask_smtp(server));
    case StartTls::imap:
        return server.ended(ask_imap(server));
    case StartTls::pop3:
        return server.ended(ask_pop3(server));
    case StartTls::ftp:
        return server.ended(ask_ftp(server));
    case StartTls::postgres:
        return server.ended(ask_postgres(server));
    }
    return server.ended(false);
}

} // namespace lectio
