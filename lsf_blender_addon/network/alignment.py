"""Speech features and recorded motion, brought to one number of frames for training (docs/network.md)."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional

from ..speech.frontend import FRAME_RATE, paired


def aligned(audio: Tensor, emotion: Tensor, motion: Tensor, fps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Bring features of 50 frames a second and motion to the same frames.

    Where the rates divide, an odd last frame is squeezed away, features that are too long are squeezed to the motion,
    and motion that is too long is squeezed to the features. Where they do not, features are stretched to the next
    multiple of the motion's frames. All of it is linear interpolation that keeps both ends.

    Args:
        audio: (B, T50, Fa).
        emotion: (B, T50, Fe).
        motion: (B, T, features).
        fps: the motion's rate.

    Returns:
        (B, T', n·Fa), (B, T', n·Fe) and (B, T', features), where n feature frames make one motion frame.
    """
    factor = math.ceil(FRAME_RATE / fps)
    frames = motion.shape[1]
    if FRAME_RATE % fps:
        audio, emotion = (stretched(stream, factor * frames) for stream in (audio, emotion))
        return paired(audio, factor), paired(emotion, factor), motion
    audio, emotion = (_even(stream, factor) for stream in (audio, emotion))
    if audio.shape[1] > factor * frames:
        audio, emotion = (stretched(stream, factor * frames) for stream in (audio, emotion))
    elif audio.shape[1] < factor * frames:
        motion = stretched(motion, audio.shape[1] // factor)
    return paired(audio, factor), paired(emotion, factor), motion


def _even(stream: Tensor, factor: int) -> Tensor:
    frames = stream.shape[1] - stream.shape[1] % factor
    return stream if frames == stream.shape[1] else stretched(stream, frames)


def stretched(stream: Tensor, frames: int) -> Tensor:
    """(B, T, F) → (B, frames, F) by linear interpolation; the first and last frames stay."""
    return functional.interpolate(stream.transpose(1, 2), size=frames, mode="linear", align_corners=True).transpose(
        1, 2
    )
