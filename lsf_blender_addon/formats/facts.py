"""What every file says about where it comes from, as far as its format lets it."""

from __future__ import annotations

import json
from typing import Any

from .. import __version__

GENERATOR = f"LSF Animation {__version__}"

TOLD = ("model", "licence", "commercial_use", "attribution", "seed", "take", "audio")
"""Of a motion's origin: whose numbers they are, under which terms, and what makes them again."""


def facts_of(origin: dict[str, Any]) -> dict[str, Any]:
    """Generator, model, licence, seed and the like of a motion's ``origin``; what it does not know is left out."""
    return {"generator": GENERATOR, **{name: origin[name] for name in TOLD if origin.get(name) not in (None, "")}}


def copyright_of(facts: dict[str, Any]) -> str:
    """The terms in one line: the licence, and whom it wants named; empty where there is no licence."""
    if not facts.get("licence"):
        return ""
    return " ".join(str(facts[name]) for name in ("licence", "attribution") if facts.get(name))


def comment_of(facts: dict[str, Any]) -> str:
    """The facts as the text of a comment, where a format has no better place for them."""
    return json.dumps(facts, ensure_ascii=False)


def facts_in(comment: bytes) -> dict[str, Any]:
    """The facts that a comment of ours says; empty where it is another's."""
    try:
        facts = json.loads(comment)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}
