"""Config of how models are asked: prompting, and endpoints that others run."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator

from sparkle.config.base import Closed

Backend = Literal["transformers", "vllm", "sglang", "lmdeploy"]


class Prompting(Closed):
    """How the questions are put."""

    style: Literal["zero_shot", "few_shot", "chain_of_thought"] = "zero_shot"
    """`few_shot`: after solved examples of the same kind about other pictures.
    `chain_of_thought`: asked to reason first; give `inference.max_new_tokens` room for it."""
    shots: PositiveInt = 4
    """Examples before the question, for `few_shot`."""
    examples: Literal["drawn", "same_set"] = "drawn"
    """Where the examples come from. `drawn`: pictures drawn for this alone, in the way of the
    set but none of it; `same_set`: other questions of the set. Sets from files have only those."""
    picture: Literal["shown", "blank"] = "shown"
    """`blank`: a grey picture instead, to see what can be guessed without looking."""
    seed: NonNegativeInt = 1
    """Seed of the choice of examples."""


class VariantModel(Closed):
    """Another model of this config, untrained, asked in another way: a row of its own."""

    source: Literal["variant"]
    of: str
    """Name of the model whose base weights answer."""
    prompting: Prompting = Prompting()
    max_new_tokens: PositiveInt | None = None
    """Longest answer in tokens; by default as in `inference`."""


class Budget(Closed):
    """Where to stop. What is answered until then is kept; a higher cap goes on from there."""

    tokens: PositiveInt | None = None
    """Most tokens, of prompts and answers together, over all evaluation sets."""
    money: Annotated[float, Field(gt=0)] | None = None
    """Most money, in the currency of the prices below."""
    price_in: Annotated[float, Field(ge=0)] = 0.0
    """Price of a million tokens of prompts."""
    price_out: Annotated[float, Field(ge=0)] = 0.0
    """Price of a million tokens of answers."""


class EndpointModel(Closed):
    """A model behind an OpenAI-compatible HTTP interface: hosted, or a server of your own."""

    source: Literal["endpoint"]
    base_url: str
    """Such as https://api.example.org/v1; `/chat/completions` is added."""
    model: str
    """Name of the model on that server."""
    key_variable: str | None = None
    """Name of the environment variable that holds the key. Keys are never written in a config."""
    prompting: Prompting = Prompting()
    max_new_tokens: PositiveInt | None = None
    """Longest answer in tokens; by default as in `inference`."""
    parameters: dict[str, Any] = {}
    """Further fields of each request, such as {temperature: 0.2, seed: 1}."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    """Requests under way at the same time. No influence on what is asked."""
    requests_per_minute: Annotated[float, Field(gt=0)] | None = None
    """Rate limit; none by default."""
    timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds until a request counts as failed."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 8
    """How often a request is tried: after 408, 409, 425, 429, 5xx, timeouts, broken answers."""
    longest_wait: Annotated[float, Field(gt=0)] = 60.0
    """Most seconds between two attempts; the wait doubles from a second on."""
    budget: Budget = Budget()

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a URL begins with http:// or https:// and a host")
        if parts.username or parts.password or parts.query:
            raise ValueError("no user, password or key in the URL; use 'key_variable'")
        return url.rstrip("/")

    @field_validator("key_variable")
    @classmethod
    def _variable_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", name):
            raise ValueError("the name of an environment variable in capitals, not the key itself")
        return name

    @field_validator("parameters")
    @classmethod
    def _own_parameters(cls, values: dict[str, Any]) -> dict[str, Any]:
        taken = {"model", "messages", "stream", "n"} & set(values)
        if taken:
            raise ValueError(f"{', '.join(sorted(taken))} is set by Sparkle")
        return values
