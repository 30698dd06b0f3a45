"""Takes mail on 127.0.0.1:2525 and adds it to /var/lib/mail: what Monit needs to tell somebody (RFC 5321, and no more of it)."""

import socketserver


class Mail(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 mail")
        for line in self.rfile:
            word = line.split(b" ")[0].strip().upper()
            if word == b"DATA":
                self.say("354 go on")
                self.take()
            if word == b"QUIT":
                return self.say("221 bye")
            self.say("250 ok")

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def take(self):
        text = b"".join(iter(self.rfile.readline, b".\r\n"))
        with open("/var/lib/mail", "ab") as mail:
            mail.write(text)


socketserver.ThreadingTCPServer(("127.0.0.1", 2525), Mail).serve_forever()
