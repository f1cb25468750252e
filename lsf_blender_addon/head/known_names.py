"""What blendshapes are called in the systems that characters come from, and which of ARKit's each one is.

Names are written without sides (``Left``, ``_L`` …), which ``naming.py`` reads off by itself; the values on the right
are ARKit's, also without sides. Sources: Apple's documentation of ``ARFaceAnchor.BlendShapeLocation``; Meta's viseme
reference for Oculus Lipsync; Ready Player Me's list of morph targets; the VRM 0.x and 1.0 specifications and VRoid
Studio's exports; the curve names of MetaHuman's ``CTRL_expressions``; Reallusion's ExPlus, extended and old standard
profiles of Character Creator.
"""

from __future__ import annotations

from collections.abc import Mapping

Follows = Mapping[str, float]

OPEN = "jawOpen"
"""Stands for the jaw's angle wherever blendshapes are named."""

ARKIT: Mapping[str, str] = {
    **{name: name for name in ("eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint")},
    **{name: name for name in ("eyeWide", "jawForward", "jaw", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker")},
    **{name: name for name in ("mouth", "mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "mouthRollLower")},
    **{name: name for name in ("mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPress")},
    **{name: name for name in ("mouthLowerDown", "mouthUpperUp", "browDown", "browInnerUp", "browOuterUp")},
    **{name: name for name in ("cheekPuff", "cheekSquint", "noseSneer", "tongueOut")},
    "mouthOpen": "jawOpen",
    "jawThrust": "jawForward",
    "mouthLipsClosed": "mouthClose",
    "browsInnerUp": "browInnerUp",
}
"""Apple's, and what others write for the same: Ready Player Me has ``mouthOpen`` on faces that have nothing else."""

METAHUMAN: Mapping[str, str] = {
    "browDown": "browDown",
    "browRaiseIn": "browInnerUp",
    "browRaiseOuter": "browOuterUp",
    "eyeBlink": "eyeBlink",
    "eyeWiden": "eyeWide",
    "eyeSquintInner": "eyeSquint",
    "eyeCheekRaise": "cheekSquint",
    "eyeLookUp": "eyeLookUp",
    "eyeLookDown": "eyeLookDown",
    "noseWrinkle": "noseSneer",
    "mouthCheekBlow": "cheekPuff",
    "mouth": "mouth",
    "mouthUpperLipRaise": "mouthUpperUp",
    "mouthLowerLipDepress": "mouthLowerDown",
    "mouthCornerPull": "mouthSmile",
    "mouthStretch": "mouthStretch",
    "mouthDimple": "mouthDimple",
    "mouthCornerDepress": "mouthFrown",
    "mouthLipsPress": "mouthPress",
    "mouthLipsPurse": "mouthPucker",
    "mouthFunnel": "mouthFunnel",
    "mouthLipsTogether": "mouthClose",
    "mouthUpperLipRollIn": "mouthRollUpper",
    "mouthLowerLipRollIn": "mouthRollLower",
    "jawOpen": "jawOpen",
    "jaw": "jaw",
    "jawFwd": "jawForward",
    "jawChinRaiseD": "mouthShrugLower",
    "jawChinRaiseU": "mouthShrugUpper",
    "tongueOut": "tongueOut",
}
"""After ``CTRL_expressions_``; a lip's quarters (``UL``, ``DR`` …) follow the whole lip."""

CHARACTER_CREATOR: Mapping[str, str] = {
    "Brow_Raise_Inner": "browInnerUp",
    "Brow_Raise_Outer": "browOuterUp",
    "Brow_Drop": "browDown",
    "Eye_Blink": "eyeBlink",
    "Eye_Squint": "eyeSquint",
    "Eye_Wide": "eyeWide",
    "Nose_Sneer": "noseSneer",
    "Cheek_Raise": "cheekSquint",
    "Cheek_Puff": "cheekPuff",
    "Mouth_Smile": "mouthSmile",
    "Mouth_Frown": "mouthFrown",
    "Mouth_Stretch": "mouthStretch",
    "Mouth_Dimple": "mouthDimple",
    "Mouth_Press": "mouthPress",
    "Mouth_Pucker": "mouthPucker",
    "Mouth_Pucker_Up": "mouthPucker",
    "Mouth_Pucker_Down": "mouthPucker",
    "Mouth_Funnel": "mouthFunnel",
    "Mouth_Funnel_Up": "mouthFunnel",
    "Mouth_Funnel_Down": "mouthFunnel",
    "Mouth_Roll_In_Upper": "mouthRollUpper",
    "Mouth_Roll_In_Lower": "mouthRollLower",
    "Mouth_Shrug_Upper": "mouthShrugUpper",
    "Mouth_Shrug_Lower": "mouthShrugLower",
    "Mouth_Up_Upper": "mouthUpperUp",
    "Mouth_Down_Lower": "mouthLowerDown",
    "Mouth_Close": "mouthClose",
    "Mouth": "mouth",
    "Jaw_Open": "jawOpen",
    "Jaw_Forward": "jawForward",
    "Jaw": "jaw",
    "Tongue_Out": "tongueOut",
    "Eyes_Blink": "eyeBlink",
    "Nose_Flank_Raise": "noseSneer",
    "Cheek_Blow": "cheekPuff",
    "Mouth_Widen": "mouthStretch",
    "Mouth_Widen_Sides": "mouthStretch",
    "Mouth_Plosive": "mouthPress",
    "Mouth_Pucker_Open": "mouthFunnel",
    "Mouth_Top_Lip_Up": "mouthUpperUp",
    "Mouth_Top_Lip_Under": "mouthRollUpper",
    "Mouth_Bottom_Lip_Down": "mouthLowerDown",
    "Mouth_Bottom_Lip_Under": "mouthRollLower",
}
"""The extended profile's names, then what the old standard profile (CC1 to CC3) has in their place."""

CREATOR_VISEMES: Mapping[str, Follows] = {
    "None": {},
    "Open": {OPEN: 1.0},
    "Explosive": {"mouthPressLeft": 0.5, "mouthPressRight": 0.5},
    "Dental_Lip": {"mouthRollLower": 1.0},
    "Tight_O": {"mouthPucker": 1.0},
    "Tight": {"mouthPucker": 0.7},
    "Wide": {"mouthStretchLeft": 0.5, "mouthStretchRight": 0.5},
    "Affricate": {"mouthFunnel": 1.0},
    "Lip_Open": {},
}
"""Character Creator's own visemes, after ``V_``, or as whole names on old characters: they do what nothing else can."""

OLD_VISEMES = ("Explosive", "Dental_Lip", "Affricate")
"""Whole names that say that ``Open``, ``Wide`` and ``Tight`` beside them are visemes and no doors."""

VISEMES: Mapping[str, Follows] = {
    "sil": {},
    "PP": {"mouthPressLeft": 0.5, "mouthPressRight": 0.5},
    "FF": {"mouthRollLower": 0.7},
    "TH": {},
    "DD": {},
    "kk": {},
    "CH": {"mouthFunnel": 0.3},
    "SS": {"mouthStretchLeft": 0.2, "mouthStretchRight": 0.2},
    "nn": {},
    "RR": {"mouthFunnel": 0.2},
    "aa": {OPEN: 1.0},
    "E": {"mouthStretchLeft": 0.3, "mouthStretchRight": 0.3},
    "I": {"mouthSmileLeft": 0.3, "mouthSmileRight": 0.3},
    "O": {"mouthFunnel": 0.8},
    "U": {"mouthPucker": 0.8},
    "ih": {"mouthSmileLeft": 0.3, "mouthSmileRight": 0.3},
    "oh": {"mouthFunnel": 0.8},
    "ou": {"mouthPucker": 0.8},
}
"""Oculus' fifteen and VRChat's spellings of them, after ``viseme_`` or ``v_``: shares of ARKit's, sides and all."""

BOTH_BLINK: Follows = {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}
VRM: Mapping[str, Follows] = {
    **{name: {OPEN: 1.0} for name in ("A", "aa", "MTH_A")},
    **{name: {"mouthSmileLeft": 0.3, "mouthSmileRight": 0.3} for name in ("I", "ih", "MTH_I")},
    **{name: {"mouthPucker": 0.8} for name in ("U", "ou", "MTH_U")},
    **{name: {"mouthStretchLeft": 0.3, "mouthStretchRight": 0.3} for name in ("E", "ee", "MTH_E")},
    **{name: {"mouthFunnel": 0.8} for name in ("O", "oh", "MTH_O")},
    **dict.fromkeys(("Blink", "EYE_Close"), BOTH_BLINK),
    **{name: {"eyeBlinkLeft": 1.0} for name in ("Blink_L", "blinkLeft", "EYE_Close_L")},
    **{name: {"eyeBlinkRight": 1.0} for name in ("Blink_R", "blinkRight", "EYE_Close_R")},
    "LookUp": {"eyeLookUpLeft": 0.5, "eyeLookUpRight": 0.5},
    "LookDown": {"eyeLookDownLeft": 0.5, "eyeLookDownRight": 0.5},
    "LookLeft": {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5},
    "LookRight": {"eyeLookInLeft": 0.5, "eyeLookOutRight": 0.5},
}
"""VRM's presets and VRoid's ``Fcl_`` shapes; single letters only where they are the whole name."""

EXACT: Mapping[str, tuple[str, Follows]] = {
    "eyesClosed": ("ARKit", BOTH_BLINK),
    "eyesLookUp": ("ARKit", {"eyeLookUpLeft": 0.5, "eyeLookUpRight": 0.5}),
    "eyesLookDown": ("ARKit", {"eyeLookDownLeft": 0.5, "eyeLookDownRight": 0.5}),
    "eyeLookLeftL": ("MetaHuman", {"eyeLookOutLeft": 1.0}),
    "eyeLookLeftR": ("MetaHuman", {"eyeLookInRight": 1.0}),
    "eyeLookRightL": ("MetaHuman", {"eyeLookInLeft": 1.0}),
    "eyeLookRightR": ("MetaHuman", {"eyeLookOutRight": 1.0}),
    "Eye_L_Look_L": ("Character Creator", {"eyeLookOutLeft": 1.0}),
    "Eye_R_Look_L": ("Character Creator", {"eyeLookInRight": 1.0}),
    "Eye_L_Look_R": ("Character Creator", {"eyeLookInLeft": 1.0}),
    "Eye_R_Look_R": ("Character Creator", {"eyeLookOutRight": 1.0}),
    **{
        f"Eye_{letter}_Look_{way}": ("Character Creator", {f"eyeLook{way}{side}": 1.0})
        for letter, side in (("L", "Left"), ("R", "Right"))
        for way in ("Up", "Down")
    },
}
"""Ready Player Me's for both eyes; names with two sides in them: the eye's, and where it looks."""
