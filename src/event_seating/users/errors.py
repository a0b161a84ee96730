"""Errors of accounts."""

from event_seating.errors import ServiceError


class UserNotFound(ServiceError):
    """No user has this id."""

    status = 404
    code = "user_not_found"
    sentence = "No user has this id."


class UserIdExists(ServiceError):
    """A user with this id exists already."""

    status = 409
    code = "user_id_exists"
    sentence = "A user with this id exists already."


class EmailExists(ServiceError):
    """A user with this e-mail address exists already."""

    status = 409
    code = "email_exists"
    sentence = "A user with this e-mail address exists already."
