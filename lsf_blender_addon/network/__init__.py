"""Features to motion: the LSF network, sized by a model card (torch, no bpy)."""
