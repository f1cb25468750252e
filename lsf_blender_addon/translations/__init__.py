"""What Blender shows, in other languages: the catalogue, and how a finished sentence is found in it."""
