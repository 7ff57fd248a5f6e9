"""The context of RO-Crate 1.1, as far as our crates use it, put where the validator looks for it.

The validator fetches the context from the network, or in offline mode takes it from its cache of
HTTP answers. The cache is filled here with an answer of our own, which has the terms below with the
IRIs that RO-Crate 1.1 gives them. A key that is not among them has no meaning in the crate for the
validator: the tests make sure that there is none.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

URL = "https://w3id.org/ro/crate/1.1/context"
_SCHEMA_ORG = (
    "CreateAction", "ControlAction", "OrganizeAction", "CreativeWork", "Dataset", "HowTo",
    "HowToStep", "Person", "PropertyValue", "SoftwareApplication", "SoftwareSourceCode",
    "ComputerLanguage",
    "about", "actionStatus", "additionalType", "agent", "alternateName", "author", "contentSize",
    "datePublished", "description", "encodingFormat", "endTime", "exampleOfWork", "hasPart",
    "identifier", "instrument", "license", "mainEntity", "mentions", "name", "object", "position",
    "programmingLanguage", "propertyID", "result", "size", "softwareVersion", "startTime", "step",
    "subjectOf", "unitCode", "url", "value", "version", "workExample",
)  # fmt: skip
TERMS = {
    **{term: f"http://schema.org/{term}" for term in _SCHEMA_ORG},
    "File": "http://schema.org/MediaObject",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "FormalParameter": "https://bioschemas.org/FormalParameter",
    "input": "https://bioschemas.org/ComputationalWorkflow#input",
    "output": "https://bioschemas.org/ComputationalWorkflow#output",
}


class _Canned(HTTPAdapter):
    """Answers every request with the context."""

    def send(self, request: Any, *_: Any, **__: Any) -> requests.Response:
        answer = HTTPResponse(
            body=io.BytesIO(json.dumps({"@context": TERMS}).encode()),
            headers={"Content-Type": "application/ld+json"},
            status=200,
            preload_content=False,
            request_url=request.url,
        )
        return self.build_response(request, answer)


def fill_cache(path: Path) -> None:
    """Put the context into the validator's cache at ``path`` (which gets the suffix .sqlite)."""
    with CachedSession(str(path), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", _Canned())
        session.get(URL)
