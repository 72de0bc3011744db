"""The list of scenarios: a function each, in the order in which they run."""

SCENARIOS = []


def scenario(sentence, seconds=120):
    """Registers a function of one argument, the cluster. It passes where it returns within its time."""
    def register(function):
        SCENARIOS.append((sentence, function, seconds))
        return function
    return register
