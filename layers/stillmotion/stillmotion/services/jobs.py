"""What every step that is given a job id needs."""


class UnknownJob(Exception):
    """No job has this id."""
