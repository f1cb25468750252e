"""Where a retimed sound strip lets its sound be heard: Blender's own way of playing it, to the frame.

What Blender plays was measured with clicks in its mixdown (``tests/needs_bpy/test_retiming.py``). Between a strip's two
keys lies the sound's every frame that is not cut for good, at one speed. What lies before the first key differs:

* With "Preserve Pitch" (5.0 and newer, as a strip comes) the whole sound is stretched, what was cut for good too.
* Without it, what was cut for good passes at recorded speed. And a strip that begins later than its sound is looked up
  in a table of one pitch for each frame; the number of the first frame is rounded down from a fraction that may lie a
  hair below it, so that now and then a frame passes that the strip does not have. Since 5.0 it passes at recorded
  speed, which shifts all that is heard by as much as a frame. 4.5 never wrote that place of the table: what lay in its
  memory is the speed, mostly none, now and then frames or seconds (told by filling memory: ``MALLOC_PERTURB_``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Lie:
    """How a retimed strip lies on its scene's timeline.

    Attributes:
        content: the frame at which its content begins, behind what was cut for good.
        cut: frames cut for good from the beginning.
        left: the first frame that it plays.
        shift: seconds by which its sound comes later.
        fps: the scene's frames a second, as Blender holds them.
        preserves_pitch: whether it is stretched rather than played faster or slower.
        has_whole_table: whether frames before its own pass at recorded speed, rather than at one that cannot be told.
    """

    content: float
    cut: float
    left: float
    shift: float
    fps: float
    preserves_pitch: bool
    has_whole_table: bool = True

    @property
    def is_lost(self) -> bool:
        """Whether it has frames of two speeds and is shifted, or begins before the table does, at frame 0."""
        return not self.preserves_pitch and self.cut > 0 and (self.shift != 0 or self.content < self.cut)

    @property
    def is_anywhere(self) -> bool:
        """Whether a frame passes at a speed that cannot be told; the table's first frame, 0, is always written."""
        if self.has_whole_table or self.preserves_pitch or self._skipped <= 0:
            return False
        return 0 < self._first < self._own

    def trimmed(self, frames: int) -> Lie:
        """How it lies with its left handle that many frames further to the right."""
        return replace(self, left=self.left + frames)

    def second_zero(self, speed: float) -> float:
        """The frame, possibly between whole ones, at which second 0 of the file lies, heard or not.

        Means nothing where the strip ``is_lost`` or ``is_anywhere``.

        Args:
            speed: seconds of the file that pass in a second of the timeline.
        """
        if self.preserves_pitch or self._skipped <= 0:
            return self.content - self.cut + self.shift * self.fps
        frames = self._skipped * self.fps
        before = min(max(self._own - self._first, 0.0), frames)
        return self.left - (before + (frames - before) * speed) / speed

    @property
    def _skipped(self) -> float:
        """Seconds that pass before the first frame that it plays."""
        return (self.left - self.content + self.cut) / self.fps - self.shift

    @property
    def _first(self) -> int:
        """The frame at which they begin, rounded as Blender does it, with the same precision."""
        return int((self.left / self.fps - self._skipped) * float(np.float32(self.fps)))

    @property
    def _own(self) -> float:
        """The first frame that has the strip's speed."""
        return self.content + round(self.shift * self.fps)
