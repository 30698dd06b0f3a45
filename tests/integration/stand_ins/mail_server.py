"""A real SMTP server (aiosmtpd) on loopback with TLS and AUTH, that also fails as a mail server may.

    with MailServer(certificates) as server:      # server.port
        server.fail("RCPT", "550 5.1.1 no such user")
        server.mails                              # email.message.EmailMessage, as they were accepted
"""

import asyncio
import email
import email.policy
import ssl
import threading

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "monitor@mail.test", "made-up-mail-password"


class MailServer:
    """`mode`: "starttls", "smtps" (TLS from the first byte), "plain" (no TLS offered). With `login` nobody sends without."""

    def __init__(self, certificates, mode="starttls", login=True):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificates / "site.pem", certificates / "site.key")
        self.mails, self.receivers, self.logins, self._faults = [], [], 0, {}

        server = self

        class Server(SMTP):
            """As aiosmtpd, but "hang" and "drop" are answers, too."""

            async def push(self, status):
                text = status.decode() if isinstance(status, bytes) else status
                if text.startswith("drop"):
                    self.transport.abort()
                elif not text.startswith("hang"):
                    await super().push(status)

            async def _or_fail(self, command, obey):
                reply = server.fault(command)
                if reply is None:
                    await obey
                else:
                    obey.close()
                    await self.push(reply)

            async def smtp_EHLO(self, hostname):
                await self._or_fail("EHLO", super().smtp_EHLO(hostname))

            async def smtp_HELO(self, hostname):
                await self._or_fail("HELO", super().smtp_HELO(hostname))

            async def smtp_STARTTLS(self, arg):
                await self._or_fail("STARTTLS", super().smtp_STARTTLS(arg))

            async def smtp_AUTH(self, arg):
                await self._or_fail("AUTH", super().smtp_AUTH(arg))

            async def smtp_DATA(self, arg):
                await self._or_fail("354", super().smtp_DATA(arg))

            async def smtp_QUIT(self, arg):
                await self._or_fail("QUIT", super().smtp_QUIT(arg))

            async def auth_GSSAPI(self, *_):
                """Kerberos, as Exchange offers it: who tries it without a ticket is refused."""
                return AuthResult(success=False, handled=False)

        options = {"auth_required": login, "authenticator": self._authenticate, "enable_SMTPUTF8": True}
        if mode == "starttls":
            options.update(tls_context=context, require_starttls=True)
        else:
            options.update(auth_require_tls=False)
        self._loop = asyncio.new_event_loop()
        self._factory = lambda: Server(self, hostname="mail.test", loop=self._loop, **options)
        self._tls = context if mode == "smtps" else None

    def __enter__(self):
        listening = self._loop.create_server(self._factory, "127.0.0.1", 0, ssl=self._tls)
        self._server = self._loop.run_until_complete(listening)
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def fail(self, command, reply):
        """The next such command is answered so: "EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "354" (the command
        DATA), "DATA" (the whole message), "QUIT"; the answer may be "hang" or "drop"."""
        self._faults[command] = reply

    def fault(self, command):
        return self._faults.pop(command, None)

    def _authenticate(self, _server, _session, _envelope, _mechanism, data):
        self.logins += 1
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)

    # --- the handler of aiosmtpd -------------------------------------------------------------------------------

    async def handle_MAIL(self, _server, _session, envelope, address, options):
        if reply := self.fault("MAIL"):
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, options):
        if reply := self.fault("RCPT"):
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        reply = self.fault("DATA")
        if reply is None or reply.startswith("drop"):  # accepted, and the answer lost
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            self.receivers.append(list(envelope.rcpt_tos))
        return reply or "250 OK"
