"""Where a retimed sound strip lets its sound be heard: Blender's own way of playing it, to the frame.

What Blender plays was measured with clicks in its mixdown (``tests/needs_bpy/test_retiming.py``). Between a strip's two
keys lies the sound's every frame that is not cut for good, at one speed. What lies before the first key differs:

* With "Preserve Pitch" (5.0 and newer, as a strip comes) the whole sound is stretched, what was cut for good too.
* Without it, what was cut for good passes at recorded speed. And a strip that begins later than its sound is looked up
  in a table of one pitch for each frame; the number of the first frame is rounded down from a fraction that may lie a
  hair below it, so that now and then a frame passes that the strip does not have: at recorded speed, or, in 4.5, at no
  speed at all. That shifts all that is heard by as much as a frame.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        outside: the speed at which a frame before its own passes.
    """

    content: float
    cut: float
    left: float
    shift: float
    fps: float
    preserves_pitch: bool
    outside: float = 1.0

    @property
    def is_lost(self) -> bool:
        """Whether it has frames of two speeds and is shifted, or begins before the table does, at frame 0."""
        return not self.preserves_pitch and self.cut > 0 and (self.shift != 0 or self.content < self.cut)

    def second_zero(self, speed: float) -> float:
        """The frame, possibly between whole ones, at which second 0 of the file lies, heard or not.

        Args:
            speed: seconds of the file that pass in a second of the timeline.
        """
        skipped = (self.left - self.content + self.cut) / self.fps - self.shift
        if self.preserves_pitch or skipped <= 0:
            return self.content - self.cut + self.shift * self.fps
        # Blender rounds this to a whole number with the same precision.
        first = int((self.left / self.fps - skipped) * float(np.float32(self.fps)))
        own = self.content + round(self.shift * self.fps)
        frames = skipped * self.fps
        before = min(max(own - first, 0.0), frames)
        return self.left - (before * self.outside + (frames - before) * speed) / speed
