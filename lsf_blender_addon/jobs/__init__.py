"""Long work beside Blender: a process that does one thing, says how far it is, and can be ended at any moment."""
