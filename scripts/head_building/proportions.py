"""Where things lie on this head, in centimetres: the measurements a sculptor marks first.

The head is 22 high from chin to crown; the eye line halves it; the mouth lies a third of the way from the nose base
to the chin.
"""

from __future__ import annotations

import numpy as np

EYE = np.array([3.2, 2.0, 6.05])  # centre of the left eyeball
EYE_RADIUS = 1.45
IRIS_RADIUS = 0.68
PUPIL_RADIUS = 0.28

# The left lid margin, relative to the eyeball's centre: x, and the rims of the upper and the lower lid there.
LID_X = (-1.56, -1.18, -0.64, 0.0, 0.58, 1.10, 1.52)
LID_UPPER = (-0.22, 0.13, 0.42, 0.50, 0.45, 0.30, 0.08)
LID_LOWER = (-0.22, -0.36, -0.47, -0.53, -0.48, -0.31, 0.08)

MOUTH_Y = -5.0
MOUTH_HALF_WIDTH = 2.55

CONDYLE = np.array([0.0, -0.6, 0.4])  # where the jaw turns: just before the ear's opening, between both sides
NECK_JOINT = np.array([0.0, -8.5, -3.6])
ROOT_JOINT = np.array([0.0, -16.0, -4.2])

EAR = np.array([7.35, 0.7, -0.9])  # the middle of the left ear's root
