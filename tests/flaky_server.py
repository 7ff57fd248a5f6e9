"""A server on the loopback device that answers like an OpenAI-compatible one, and fails often.

With the URL of a real server it hands on what that one answers, and fails just as often.

python tests/flaky_server.py PORT_FILE LOG_FILE [UPSTREAM_URL]
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx


class FlakyHandler(BaseHTTPRequestHandler):
    """Fails the first attempts of many questions: 429, 500, no answer in time, cut JSON."""

    protocol_version = "HTTP/1.1"
    server: FlakyServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = json.loads(body)
        key = hashlib.sha256(body).hexdigest()
        attempt = self.server.count(key)
        fault = self.server.fault(key, attempt)
        note = {"key": key, "attempt": attempt, "fault": fault,
                "authorization": self.headers.get("Authorization"),
                "time": time.monotonic(), "model": request["model"]}  # fmt: skip
        if self.server.upstream is not None and fault is None:
            return self._hand_on(body, note)
        self.server.note(note)
        if fault == "429":
            return self._send(429, b'{"error": "slow down"}', {"Retry-After": "0.05"})
        if fault == "500":
            return self._send(500, b"oops")
        if fault == "timeout":
            time.sleep(self.server.hang)
        if self.server.secret:
            return self._send(401, f"no such key: {self.headers['Authorization']}".encode())
        answer = {
            "choices": [{"message": {"role": "assistant", "content": self.server.answer(request)}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10},
        }
        if not self.server.usage:
            del answer["usage"]
        text = json.dumps(answer).encode()
        self._send(200, text[: len(text) // 2] if fault == "cut" else text)

    def _hand_on(self, body: bytes, note: dict[str, Any]) -> None:
        """The answer of the real server, noted with the tokens that it counts."""
        found = httpx.post(
            f"{self.server.upstream}/chat/completions", content=body, timeout=300,
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        self.server.note({**note, "usage": found.json()["usage"]})
        self._send(found.status_code, found.content)

    def _send(self, status: int, text: bytes, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *arguments: Any) -> None:
        """No lines on the screen."""


class FlakyServer(ThreadingHTTPServer):
    """Attributes: ``faults`` by the rest of a question's hash; ``hang`` in seconds."""

    daemon_threads = True
    faults = {0: "429", 1: "500", 2: "timeout", 3: "cut"}
    hang = 2.5
    usage = True
    delay = 0.0
    log: Path | None = None
    upstream: str | None = None
    secret = False
    """Repeat the key of the client in a refusal, as some servers do."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the game."""

    def __init__(self, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        super().__init__(address, FlakyHandler)
        self.lock = threading.Lock()
        self.attempts: dict[str, int] = {}
        self.notes: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def count(self, key: str) -> int:
        with self.lock:
            self.attempts[key] = self.attempts.get(key, 0) + 1
            return self.attempts[key]

    def fault(self, key: str, attempt: int) -> str | None:
        """Some questions fail on their first attempt, some of those on the second too."""
        number = int(key[:8], 16)
        return self.faults.get(number % 12) if attempt <= 1 + number % 2 else None

    def note(self, entry: dict[str, Any]) -> None:
        with self.lock:
            self.notes.append(entry)
            if self.log is not None:
                with open(self.log, "a") as handle:
                    handle.write(json.dumps(entry) + "\n")
        time.sleep(self.delay)

    def answer(self, request: dict[str, Any]) -> str:
        """Depends on the whole question, so that mixed-up answers would show."""
        text = json.dumps(request["messages"], sort_keys=True)
        return "answer " + hashlib.sha256(text.encode()).hexdigest()[:12]


if __name__ == "__main__":
    server = FlakyServer()
    server.log, server.delay = Path(sys.argv[2]), 0.01
    if len(sys.argv) > 3:
        server.upstream = sys.argv[3]
        server.hang = 6.0
    Path(sys.argv[1]).write_text(server.url)
    server.serve_forever()
