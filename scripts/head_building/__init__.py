"""The bundled head, made by nothing but code: each module holds one idea of the sculpt.

Everything here works in centimetres, Y up, the face towards +z, the character's left towards +x; ``package`` turns
it to metres.
"""
