"""LSF Animation: a voice in the sequencer and a head in the scene become lips, jaw, brows and feeling as keyframes."""

from __future__ import annotations

__version__ = "0.1.0"
