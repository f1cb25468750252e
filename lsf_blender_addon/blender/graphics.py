"""Whether Blender can draw without a window here: where it cannot, it does not say so but takes the process with it."""

from __future__ import annotations

import ctypes
import functools
import subprocess
import sys

import bpy

from ..errors import SceneError

TRIAL = """
import bpy, os
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.camera = bpy.data.objects.new("eye", bpy.data.cameras.new("eye"))
scene.collection.objects.link(scene.camera)
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x = scene.render.resolution_y = 8
bpy.ops.render.render()
os._exit(0)
"""
"""A picture of nothing."""

SURFACELESS, OPENGL, END = 0x31DD, 0x30A2, 0x3038
PICTURES = (0x3040, 0x8, 0x3033, 0x1, END)
"""Of EGL's settings: for OpenGL, and for pictures in memory."""

OPENGL_4_3 = (0x3098, 4, 0x30FB, 3, 0x30FD, 1, END)
TRIAL_SECONDS = 300.0


def require_graphics() -> None:
    """Refuse to draw with Workbench or EEVEE where there is no OpenGL for it; asked once, and quick where there is.

    Raises:
        SceneError: there is none; the sentence says what to install.
    """
    if sys.platform == "linux" and bpy.app.background and not _has_opengl():
        reason = _failed_trial()
        if reason is not None:
            raise SceneError(
                f"Blender cannot draw on this machine, for which it needs OpenGL 4.3 ({reason}): install a driver (on "
                "Debian and Ubuntu libegl1 and libgl1-mesa-dri do), or render with Cycles, which needs none "
                "(`lsf render --engine cycles`)."
            )


@functools.cache
def _has_opengl() -> bool:
    """Whether EGL gives an OpenGL 4.3 that draws into memory; Blender may know other ways, which the trial finds."""
    try:
        egl = ctypes.CDLL("libEGL.so.1")
        egl.eglGetPlatformDisplay.restype = egl.eglCreateContext.restype = ctypes.c_void_p
        display = ctypes.c_void_p(egl.eglGetPlatformDisplay(SURFACELESS, None, None))
    except (OSError, AttributeError):
        return False
    if not egl.eglInitialize(display, None, None) or not egl.eglBindAPI(OPENGL):
        return False
    config, count = ctypes.c_void_p(), ctypes.c_int()
    egl.eglChooseConfig(display, _numbers(PICTURES), ctypes.byref(config), 1, ctypes.byref(count))
    context = egl.eglCreateContext(display, config, None, _numbers(OPENGL_4_3)) if count.value else None
    if context:
        egl.eglDestroyContext(display, ctypes.c_void_p(context))
    return bool(context)


@functools.cache
def _failed_trial() -> str | None:
    """How another Blender ended that drew a picture; None where it did draw."""
    program = bpy.app.binary_path
    trial = [program, "--background", "--factory-startup", "--python-expr"] if program else [sys.executable, "-c"]
    try:
        done = subprocess.run(  # noqa: S603 - this very program
            [*trial, TRIAL], capture_output=True, check=False, timeout=TRIAL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as reason:
        return f"a trial failed: {reason}"
    if done.returncode == 0:
        return None
    return f"a trial ended with {f'signal {-done.returncode}' if done.returncode < 0 else f'code {done.returncode}'}"


def _numbers(values: tuple[int, ...]) -> ctypes.Array[ctypes.c_int]:
    return (ctypes.c_int * len(values))(*values)
