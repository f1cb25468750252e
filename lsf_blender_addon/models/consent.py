"""What a person agreed to: weights that forbid commercial use are asked about once, and the answer is kept.

The answers lie beside the user's models, so that every Blender and the command line know them.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from ..arrays import whole_file
from ..errors import ModelError
from ..locks import held
from .card import LicenceCard, ModelCard
from .store import user_folder

CONSENTS = ".consents.json"


def needs_consent(card: ModelCard) -> bool:
    """Whether a person must agree to a model's terms before it is used: they forbid commercial use, and nobody did."""
    return not card.licence.commercial_use and _key(card.name, card.licence) not in _read()


def give_consent(card: ModelCard) -> None:
    """Remember that a person agreed to a model's terms.

    Raises:
        ModelError: that cannot be written down.
    """
    place = user_folder()
    busy = ModelError("Another program is writing down an answer right now: try again.")
    with held(place / f"{CONSENTS}.lock", busy):
        answers = {**_read(), _key(card.name, card.licence): time.strftime("%Y-%m-%dT%H:%M:%S")}
        try:
            with whole_file(place / CONSENTS) as part:
                part.write_text(json.dumps(answers, indent=2), encoding="utf-8")
        except OSError as reason:
            raise ModelError(f"{place} cannot be written ({reason.strerror}).") from reason


def terms_question(card: ModelCard) -> tuple[str, ...]:
    """What a person is asked, in lines."""
    licence = card.licence
    lines = [
        f"“{card.title}” may not be used commercially: its licence is {licence.name}.",
        "That holds for what it makes, too: the animations carry the licence in their properties.",
    ]
    if licence.attribution:
        lines.append(f"Whoever publishes them names: {licence.attribution}.")
    if licence.url:
        lines.append(licence.url)
    return tuple(lines)


def _key(name: str, licence: LicenceCard) -> str:
    return f"{name}: {licence.name}"


def _read() -> dict[str, str]:
    path: Path = user_folder() / CONSENTS
    try:
        answers = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return answers if isinstance(answers, dict) else {}
