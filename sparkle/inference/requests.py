"""One request to an OpenAI-compatible endpoint: what is sent, what is tried again, what is read."""

from __future__ import annotations

import base64
import email.utils
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from sparkle.config.inference import EndpointModel
from sparkle.errors import SparkleError
from sparkle.inference.prompting import Turn
from sparkle.inference.settings import EndpointSettings

_TRY_AGAIN = frozenset({408, 409, 425, 429})
_SHOWN = 200
_MOST_BYTES = 50_000_000
_MOST_TOKENS = 2**40
"""A server that counts more has miscounted: as good as untold."""
_SIGNATURES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"RIFF": "webp",
               b"BM": "bmp"}  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """The text of an answer and (prompt tokens, completion tokens), None where untold."""

    text: str
    tokens: tuple[int | None, int | None]


class PassingFailure(Exception):
    """A failure that may not happen again. ``after``: seconds that the server wants to be left."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


def request_of(settings: EndpointSettings, turns: Sequence[Turn]) -> dict[str, Any]:
    """The body of a request."""
    return {
        "temperature": 0,
        "max_tokens": settings.max_new_tokens,
        **settings.parameters,
        "model": settings.model,
        "messages": [_message(turn) for turn in turns],
    }


def _message(turn: Turn) -> dict[str, Any]:
    if turn.image is None:
        return {"role": turn.role, "content": turn.text}
    kind = next((name for head, name in _SIGNATURES.items() if turn.image.startswith(head)), "png")
    url = f"data:image/{kind};base64,{base64.b64encode(turn.image).decode()}"
    parts = [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": turn.text},
    ]
    return {"role": turn.role, "content": parts}


def ask(
    client: httpx.Client, endpoint: EndpointModel, body: dict[str, Any], pace: Callable[[], None]
) -> Reply:
    """Send a request until it is answered.

    Args:
        pace: Called before every attempt; waits until it may begin.

    Raises:
        SparkleError: The server refuses for good, or all attempts failed.
    """
    growing = wait_exponential_jitter(initial=1.0, max=endpoint.longest_wait, jitter=1.0)

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        wanted = error.after if isinstance(error, PassingFailure) else None
        return growing(state) if wanted is None else min(wanted, endpoint.longest_wait)

    attempts = Retrying(
        retry=retry_if_exception_type(PassingFailure),
        stop=stop_after_attempt(endpoint.attempts), wait=pause, reraise=True,
    )  # fmt: skip

    def attempt() -> Reply:
        pace()
        return _send(client, endpoint, body)

    try:
        return attempts(attempt)
    except PassingFailure as error:
        raise SparkleError(
            f"{endpoint.base_url} did not answer in {endpoint.attempts} attempts: {error}.",
            "Answers until now are kept: run again later, or lower 'concurrency'.",
        ) from None


def _send(client: httpx.Client, endpoint: EndpointModel, body: dict[str, Any]) -> Reply:
    late = PassingFailure(f"no answer within {endpoint.timeout:g} s")
    # The client's own limit is for each piece: an answer that drips would never end.
    end = time.monotonic() + endpoint.timeout
    data = bytearray()
    try:
        with client.stream("POST", f"{endpoint.base_url}/chat/completions", json=body) as response:
            for piece in response.iter_bytes():
                data += piece
                if time.monotonic() > end:
                    raise late
                if len(data) > _MOST_BYTES:
                    raise PassingFailure(f"the answer has more than {_MOST_BYTES} bytes")
    except httpx.TimeoutException:
        raise late from None
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise PassingFailure(f"the connection failed ({error})") from None
    status, text = response.status_code, data.decode("utf-8", "replace")
    if status in _TRY_AGAIN or status >= 500:
        raise PassingFailure(f"HTTP {status}", retry_after(response.headers.get("retry-after")))
    if status >= 300:
        said = _without_key(text, client)[:_SHOWN]
        raise SparkleError(
            f"{endpoint.base_url} refuses with HTTP {status}: {said!r}",
            "Check 'base_url', 'model', 'parameters' and the key.",
        )
    return read_reply(_without_key(text, client))


def _without_key(text: str, client: httpx.Client) -> str:
    """What a server said, without our key: some repeat it, and it goes into logs and records."""
    key = client.headers.get("authorization", "").removeprefix("Bearer ")
    return text.replace(key, "***") if key else text


def retry_after(header: str | None) -> float | None:
    """Seconds in a Retry-After header, which is a number or a date; None without a usable one."""
    if header is None:
        return None
    try:
        return max(0.0, min(float(header), 3600.0))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def read_reply(text: str) -> Reply:
    """The answer in the body of a response; a broken one is a :class:`PassingFailure`."""
    try:
        data = json.loads(text)
        content = data["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise PassingFailure(f"the answer is no whole JSON ({text[:60]!r}...)") from None
    if isinstance(content, list):  # parts, as some servers write them
        content = "".join(p.get("text") or "" for p in content if isinstance(p, dict))
    usage = data.get("usage") if isinstance(data.get("usage"), dict) else {}
    counted = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    inwards, outwards = (
        n if isinstance(n, int) and 0 <= n < _MOST_TOKENS else None for n in counted
    )
    # An empty answer is an answer: a refusal, or all tokens spent on hidden reasoning.
    said = content if isinstance(content, str) else ""
    # Half a character, as JSON can escape it, could not be written to any file.
    return Reply(said.encode("utf-8", "replace").decode(), (inwards, outwards))
