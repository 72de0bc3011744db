"""What stops a measurement."""


class Failure(Exception):
    """A sentence for whoever runs the benchmark: nothing could be measured, and why."""
