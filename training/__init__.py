"""Making the starter model: corpus, face rules, training, scores (torch, no bpy)."""
