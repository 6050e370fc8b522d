"""What may keep a flow from running."""


class ResumeError(Exception):
    """The state cannot be resumed; the message says why and what to do."""


class WorkerFailedError(Exception):
    """A worker could not go on; the message says why."""
