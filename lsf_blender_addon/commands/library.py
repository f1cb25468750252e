"""``models list``, ``models import`` and ``head info``: what is there, and how it gets there."""

from __future__ import annotations

import argparse
import re
import sys

from ..head.flame import read_head
from ..models.checkpoint import import_checkpoint
from ..models.store import broken_models, installed_models, user_folder
from .bar import Bar

MEGABYTE = 1e6


def list_models(_arguments: argparse.Namespace) -> None:
    """``lsf models list``: every model, under what licence, and whether commercial use is allowed."""
    rows = [("NAME", "WHAT", "SPACE", "FPS", "MB", "LICENCE", "COMMERCIAL USE", "FOLDER")]
    for model in installed_models():
        card = model.card
        use = "allowed" if card.licence.commercial_use else "not allowed"
        size = f"{model.size / MEGABYTE:.1f}"
        rows.append(
            (card.name, card.title, card.space, f"{card.fps:g}", size, card.licence.name, use, str(model.folder))
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if len(rows) == 1:
        print(f"(none; `lsf models import FILE` puts a published checkpoint into {user_folder()})")
    for broken in broken_models():
        print(f"Cannot be used: {broken.reason}", file=sys.stderr)


def import_model(arguments: argparse.Namespace) -> None:
    """``lsf models import``: a published checkpoint becomes a model folder; nothing inside it is run."""
    name = arguments.name or re.sub(r"[^a-z0-9]+", "-", arguments.file.stem.lower()).strip("-") or "imported"
    folder = user_folder() / name
    with Bar() as bar:
        card = import_checkpoint(
            arguments.file, folder, name=name, title=arguments.title, prior=arguments.prior, progress=bar.at
        )
    allowed = "allowed" if card.licence.commercial_use else "not allowed"
    print(f"{folder}  {card.title}, licence {card.licence.name}, commercial use {allowed}")


def head_info(arguments: argparse.Namespace) -> None:
    """``lsf head info``: what a head file holds."""
    head = read_head(arguments.file)
    lines = {
        "name": head.name,
        "space": head.space,
        "licence": head.licence or "not said in the file",
        "vertices": head.vertex_count,
        "faces": len(head.faces),
        "expressions": head.expression_count,
        "identity": f"{head.shape_count} directions",
        "joints": ", ".join(head.joint_names),
        "landmarks": len(head.landmarks),
        "UV map": "yes" if head.uv is not None else "no",
        "materials": ", ".join(head.material_names) or "none",
    }
    for title, value in lines.items():
        print(f"{title:<12} {value}")
