"""Motions in the files of other programs, read and written with numpy alone; each whole or not at all."""
