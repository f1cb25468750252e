"""The process that holds torch, and the pipe to it."""
