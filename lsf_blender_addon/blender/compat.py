"""The only file that knows Blender's versions (4.2 LTS to 5.2 LTS), by what exists and never by number."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import bpy

from ..errors import SceneError
from ..motion import exact_rate
from .retiming import Lie

KEY, OBJECT = "KEY", "OBJECT"
"""Kinds of owners that an Action's slot can have: shape keys, and objects (an armature's pose lives on its object)."""

WORKBENCH = "BLENDER_WORKBENCH"
ENGINES = {
    "workbench": (WORKBENCH,),
    "eevee": ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"),
    "cycles": ("CYCLES",),
}
"""Our word for a renderer → Blender's, of which one exists."""


def has_slots() -> bool:
    """Whether one Action can hold several owners' curves (4.4 and newer)."""
    return "slots" in bpy.types.Action.bl_rna.properties


@dataclass(frozen=True, eq=False)
class Channels:
    """One owner's part of an Action: where its F-curves go, and how it is assigned."""

    action: Any
    curves: Any
    groups: Any
    slot: Any

    def curve(self, data_path: str, index: int, group: str) -> Any:
        """A new, empty F-curve in a named group."""
        curve = self.curves.new(data_path, index=index)
        curve.group = self.groups.get(group) or self.groups.new(group)
        return curve

    def assign(self, owner: Any) -> None:
        """Make this what animates ``owner`` (shape keys or an object)."""
        data = owner.animation_data_create()
        data.action = self.action
        if self.slot is not None:
            data.action_slot = self.slot


def relative_path() -> set[str]:
    """The options of a property whose file may be named from where the ``.blend`` lies (4.5 and newer ask for it)."""
    is_asked = "is_path_supports_blend_relative" in bpy.types.StringProperty.bl_rna.properties
    return {"PATH_SUPPORTS_BLEND_RELATIVE"} if is_asked else set()


def key_points(block: Any) -> Any:
    """A shape key's points, as the collection that is read and written fastest."""
    return block.points if hasattr(block, "points") else block.data


def kind_of(owner: Any) -> str:
    """What kind of owner shape keys or an object are to an Action: ``KEY`` or ``OBJECT``."""
    return KEY if isinstance(owner, bpy.types.Key) else OBJECT


def new_channels(name: str, owners: Sequence[Any]) -> tuple[list[Channels], list[Any]]:
    """An Action with a slot for each owner; where Actions have no slots, an Action for each owner.

    Args:
        name: of the Action.
        owners: shape keys and objects.

    Returns:
        Channels for each owner, and the Actions made.
    """
    if not has_slots():
        actions = [bpy.data.actions.new(action_name(name, owner)) for owner in owners]
        for action, owner in zip(actions, owners, strict=True):
            action.id_root = kind_of(owner)
        return [Channels(action, action.fcurves, action.groups, None) for action in actions], actions
    action = bpy.data.actions.new(name)
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    made = []
    for owner in owners:
        slot = action.slots.new(id_type=kind_of(owner), name=owner.name)
        bag = strip.channelbag(slot, ensure=True)
        made.append(Channels(action, bag.fcurves, bag.groups, slot))
    return made, [action]


def action_name(name: str, owner: Any) -> str:
    """What the Action of a take is called; where each owner has one of its own, the owner's name goes with it."""
    return name if has_slots() else f"{name} ({owner.name})"


def channels_of(action: Any, handle: int) -> Channels | None:
    """An Action's part with that slot's handle; the whole Action where Actions have no slots; None if it is gone."""
    if not has_slots():
        return Channels(action, action.fcurves, action.groups, None)
    slot = next((slot for slot in action.slots if slot.handle == handle), None)
    for layer in action.layers if slot is not None else ():
        for strip in layer.strips:
            bag = strip.channelbag(slot)
            if bag is not None:
                return Channels(action, bag.fcurves, bag.groups, slot)
    return None


def curves_of(owner: Any) -> Iterator[Any]:
    """The F-curves that animate shape keys or an object through its active Action."""
    data = owner.animation_data
    if data is None or data.action is None:
        return
    if not has_slots():
        yield from data.action.fcurves
        return
    for layer in data.action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(data.action_slot) if data.action_slot is not None else None
            if bag is not None:
                yield from bag.fcurves


def assignment(owner: Any) -> tuple[Any, Any]:
    """The Action and the slot that animate ``owner`` now; None and None without."""
    data = owner.animation_data
    if data is None:
        return None, None
    return data.action, getattr(data, "action_slot", None)


def restore(owner: Any, was: tuple[Any, Any]) -> None:
    """Assign again what :func:`assignment` gave."""
    if owner.animation_data is None:
        return
    owner.animation_data.action = was[0]
    if was[0] is not None and was[1] is not None:
        owner.animation_data.action_slot = was[1]


def unassign(owner: Any) -> None:
    """Let no Action animate ``owner``; it stays as it is."""
    if owner.animation_data is not None:
        owner.animation_data.action = None


def slot_with(action: Any, handle: int) -> Any | None:
    """An Action's slot with that handle; None where Actions have no slots, or it is gone."""
    return next((slot for slot in action.slots if slot.handle == handle), None) if has_slots() else None


def animated_by(action: Any) -> list[Any]:
    """The shape keys and objects that use an Action, assigned or in the NLA."""
    users = bpy.data.user_map(subset={action}, value_types={"KEY", "OBJECT"})
    return list(users.get(action, ()))


def rate(scene: Any) -> Fraction:
    """The scene's frames a second, exactly: 30 over a base of 1.001 is 30000/1001."""
    base = scene.render.fps_base
    return exact_rate(scene.render.fps / base)


def set_rate(scene: Any, fps: float) -> None:
    """Give a scene a frame rate, television's (23.976, 29.97, 59.94) as Blender itself writes them."""
    exact = exact_rate(fps)
    whole = -(-exact.numerator // exact.denominator)
    scene.render.fps = whole
    scene.render.fps_base = float(whole / exact)


def has_sound() -> bool:
    """Whether this Blender can read and play sound; the module build of 4.2 on the Python package index cannot."""
    return bool(bpy.app.build_options.audaspace)


def can_decode() -> bool:
    """Whether scripts can read sound: some distributions build Blender without the ``aud`` module."""
    try:
        import aud  # noqa: F401, PLC0415 - it is not always there
    except ImportError:
        return False
    return has_sound()


def sequencer_scene(context: Any) -> Any:
    """The scene whose timeline the sequencer shows: since 5.0 it can be another than the one in the viewport."""
    return getattr(context, "sequencer_scene", None) or context.scene


def show_in_sequencer(context: Any, scene: Any) -> None:
    """Let the sequencer show this scene's timeline, where it can show another than the viewport's."""
    workspace = context.workspace
    if workspace is not None and hasattr(workspace, "sequencer_scene"):
        workspace.sequencer_scene = scene


def strips(scene: Any) -> Any:
    """The top level of a scene's sequencer (made if the scene has none): ``new_sound``, ``new_image``, ``remove``."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def content_start(strip: Any) -> float:
    """The frame at which a strip's content begins, trimmed or not."""
    return float(strip.content_start if hasattr(strip, "content_start") else strip.frame_start)


def shown(strip: Any) -> tuple[float, float]:
    """The first frame that a strip plays, and the first that it no longer does."""
    if hasattr(strip, "left_handle"):
        return float(strip.left_handle), float(strip.left_handle + strip.duration)
    return float(strip.frame_final_start), float(strip.frame_final_end)


def trimmed_start(strip: Any) -> float:
    """Frames cut for good from the beginning of a strip's content."""
    name = "content_trim_start" if hasattr(strip, "content_trim_start") else "animation_offset_start"
    return float(getattr(strip, name))


def sound_offset(strip: Any) -> float:
    """Seconds by which a strip's sound is shifted; 0 where strips have no such setting."""
    return float(getattr(strip, "sound_offset", 0.0))


def trimmed_end(strip: Any) -> float:
    """Frames cut for good from the end of a strip's content."""
    name = "content_trim_end" if hasattr(strip, "content_trim_end") else "animation_offset_end"
    return float(getattr(strip, name))


def content_frames(strip: Any) -> float:
    """How many frames a strip's content fills, at the speed at which it plays."""
    return float(strip.content_duration if hasattr(strip, "content_duration") else strip.frame_duration)


def speed_keys(strip: Any) -> list[float] | None:
    """The frames between which a strip plays at one speed each; empty for recorded speed; None where it cannot be told.

    4.2 retimes sound and does not show it to scripts.
    """
    keys = getattr(strip, "retiming_keys", None)
    return None if keys is None else [float(key.timeline_frame) for key in keys]


def has_stretching(strip: Any) -> bool:
    """Whether a strip's sound can be stretched in time, and retimed sound be told from its keys (5.0 and newer)."""
    return hasattr(strip, "pitch_correction")


def begins_in_time(strip: Any) -> bool:
    """Whether a retimed sound strip begins where its keys say.

    4.5 begins one up to 1.2 frames late, and 5.0 one without Preserve Pitch up to a frame early or late, by nothing
    that can be told (measured with clicks in mixdowns at 24 to 60 fps), unless its left handle cuts something off.
    """
    is_cut = shown(strip)[0] > content_start(strip)
    return is_cut or (has_stretching(strip) and (strip.pitch_correction or hasattr(strip, "left_handle")))


def tells_where_it_begins(strip: Any) -> bool:
    """Whether it can be told where a retimed sound strip begins: in 4.5 not where it is cut for good or shifted."""
    return has_stretching(strip) or (trimmed_start(strip) == 0 and sound_offset(strip) == 0)


def frames_uncounted(strip: Any) -> int:
    """How many frames of a sound's content pass beyond a retimed strip's last key: 4.5 forgets one."""
    return 0 if has_stretching(strip) else 1


def lie(strip: Any, scene: Any) -> Lie:
    """How a retimed sound strip lies on the timeline."""
    return Lie(
        content=content_start(strip),
        cut=trimmed_start(strip),
        left=shown(strip)[0],
        shift=sound_offset(strip),
        fps=float(scene.render.fps / scene.render.fps_base),
        preserves_pitch=bool(getattr(strip, "pitch_correction", False)),
        has_whole_table=has_stretching(strip),
    )


def shown_strips(scene: Any) -> list[Any]:
    """The strips that the sequencer shows: the top level, or those inside the meta strip that is open."""
    editor = scene.sequence_editor
    if editor.meta_stack:
        inside = editor.meta_stack[-1]
        return list(inside.strips if hasattr(inside, "strips") else inside.sequences)
    return list(strips(scene))


def all_strips_name(editor: Any) -> str:
    """What a sequencer calls the collection of all its strips, inside meta strips too."""
    return "strips_all" if hasattr(editor, "strips_all") else "sequences_all"


def all_strips(scene: Any) -> list[Any]:
    """Every strip of a scene, inside meta strips too."""
    editor = scene.sequence_editor
    return list(getattr(editor, all_strips_name(editor)))


def write_movies(scene: Any, quality: str) -> None:
    """Let a scene render to MPEG-4 with H.264 and AAC; ``quality`` is a constant rate factor's name.

    Raises:
        SceneError: this Blender was built without FFmpeg.
    """
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    try:
        settings.file_format = "FFMPEG"
    except TypeError as reason:
        raise SceneError("This Blender was built without FFmpeg, so it cannot write movies.") from reason
    movie = scene.render.ffmpeg
    movie.format = "MPEG4"
    movie.codec = "H264"
    movie.constant_rate_factor = quality
    movie.ffmpeg_preset = "GOOD"
    movie.gopsize = 25
    movie.audio_codec = "AAC"
    movie.audio_bitrate = 160
    if hasattr(movie, "audio_mixrate"):
        movie.audio_mixrate = 48000
    movie.audio_channels = "STEREO"


def write_pictures(scene: Any) -> None:
    """Let a scene render to PNG."""
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format = "PNG"
    settings.color_mode = "RGB"
    settings.color_depth = "8"
    settings.compression = 15


def set_engine(scene: Any, engine: str, samples: int | None) -> None:
    """Let a scene be rendered by one of :data:`ENGINES`.

    Args:
        scene: which.
        engine: ours.
        samples: per pixel, of EEVEE and Cycles; as Blender has it where None.

    Raises:
        SceneError: this Blender has no such renderer.
    """
    for name in ENGINES[engine]:
        try:
            scene.render.engine = name
        except TypeError:
            continue
        break
    else:
        raise SceneError(f"This Blender was built without the renderer {engine!r}: choose another.")
    if samples is not None and engine == "eevee":
        scene.eevee.taa_render_samples = samples
    elif samples is not None and engine == "cycles":
        scene.cycles.samples = samples


def glowing(material: Any, colour: tuple[float, float, float]) -> None:
    """Show a material in one colour that no light changes."""
    material.diffuse_color = (*colour, 1.0)
    if material.node_tree is None:
        material.use_nodes = True
    shader = next((node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED"), None)
    if shader is not None:
        shader.inputs["Base Color"].default_value = (0.0, 0.0, 0.0, 1.0)
        shader.inputs["Emission Color"].default_value = (*colour, 1.0)
        shader.inputs["Emission Strength"].default_value = 1.0


def plain_background(world: Any, colour: tuple[float, float, float], light: float) -> None:
    """Give a world one colour for the camera, and ``light`` of white for everything else.

    Workbench takes the world's own colour; EEVEE and Cycles its nodes.
    """
    world.color = colour
    if world.node_tree is None:
        world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    ray, mix = tree.nodes.new("ShaderNodeLightPath"), tree.nodes.new("ShaderNodeMixShader")
    seen, felt = tree.nodes.new("ShaderNodeBackground"), tree.nodes.new("ShaderNodeBackground")
    out = tree.nodes.new("ShaderNodeOutputWorld")
    seen.inputs["Color"].default_value = (*colour, 1.0)
    felt.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    felt.inputs["Strength"].default_value = light
    tree.links.new(ray.outputs["Is Camera Ray"], mix.inputs[0])
    tree.links.new(felt.outputs[0], mix.inputs[1])
    tree.links.new(seen.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], out.inputs["Surface"])


def plain_colours(scene: Any) -> None:
    """Show colours as they are given, without a film's tone curve."""
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    scene.view_settings.exposure = 0.0
    scene.view_settings.gamma = 1.0


def usd_files() -> Any | None:
    """USD's own library for its files (``pxr.Sdf``); None where Blender keeps it to itself: 4.2's module, Debian's."""
    before = list(sys.path)
    try:
        if hasattr(bpy.utils, "expose_bundled_modules"):
            bpy.utils.expose_bundled_modules()
        return importlib.import_module("pxr.Sdf")
    except ImportError:
        return None
    finally:
        sys.path[:] = before  # Blender's own copies of other packages must not get in front of ours


def accepted(operator: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Those settings of an operator that this Blender's version of it has."""
    known = operator.get_rna_type().properties
    return {name: value for name, value in settings.items() if name in known}
