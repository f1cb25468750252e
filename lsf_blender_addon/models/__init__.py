"""Which weights there are, whence they come and under what licence."""
