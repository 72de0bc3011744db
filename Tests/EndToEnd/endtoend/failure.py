"""What ends a scenario early."""


class Failure(Exception):
    """A sentence for whoever reads the report: what was wanted, and what was found."""


class Skipped(Exception):
    """Why a scenario could not be run. It does not count as passed."""
