"""Reference vectors, run through our modules: the parameters' formula, the models, and one check per kind of file."""
