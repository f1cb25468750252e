"""Waveform to features: the front end and the speech encoders (torch, no bpy)."""
