"""Errors of the operator's routes about jobs and the files that they wrote."""

from event_seating.errors import ServiceError


class JobNotFound(ServiceError):
    """There is no such job, or it was done or given up long ago."""

    status = 404
    code = "job_not_found"
    sentence = "No job has this id; one that is done is known for a day."


class JobNotFailed(ServiceError):
    """The job waits, runs or is done, so it cannot be tried again."""

    status = 409
    code = "job_not_failed"
    sentence = "Only a job that failed for good can be tried again."


class FileNotFound(ServiceError):
    """There is no such file, or it has expired."""

    status = 404
    code = "file_not_found"
    sentence = "No file has this id, or it is gone."
