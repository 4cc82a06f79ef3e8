"""HTTP by hand: what urllib would hide, such as pipelining, repeated headers, half a request."""

import socket
import time


class RawConnection:
    def __init__(self, port, timeout_s=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self.pending = b""

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def request(self, method, target, headers=(), body=b""):
        lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *headers]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def answer(self):
        """(status, {lower-case name: value}, body)"""
        while b"\r\n\r\n" not in self.pending:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("closed")
            self.pending += piece
        head, _, rest = self.pending.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        while len(rest) < length:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("closed within a body")
            rest += piece
        self.pending = rest[length:]
        return int(lines[0].split()[1]), headers, rest[:length]

    def closed_within(self, seconds):
        """True if the server closes; whatever it still says is read away."""
        deadline = time.monotonic() + seconds
        self.socket.settimeout(0.2)
        while time.monotonic() < deadline:
            try:
                if not self.socket.recv(65536):
                    return True
            except socket.timeout:
                continue
            except OSError:
                return True
        return False

    def close(self):
        self.socket.close()
