"""What each command of ``lsf`` does; ``cli.py`` reads the words, these do the work."""
