"""Errors that HTTP itself knows, and that nothing below the edge raises."""

from event_seating.errors import RateLimited, ServiceError


class ForeignOrigin(ServiceError):
    """A page of another origin opens a WebSocket."""

    status = 403
    code = "foreign_origin"
    sentence = "Pages of this origin may not connect; `CORS_ORIGINS` names those that may."


class MalformedRequest(ServiceError):
    """The bytes that came are no HTTP, or such as readers of HTTP disagree about."""

    status = 400
    code = "malformed_request"
    sentence = "The request is malformed."


class ExpectationFailed(ServiceError):
    """`Expect` names something else than `100-continue`."""

    status = 417
    code = "expectation_failed"
    sentence = "The only expectation known is `100-continue`."


class UpgradeRequired(ServiceError):
    """A WebSocket is opened in another version of its protocol than the one of RFC 6455."""

    status = 426
    code = "upgrade_required"
    sentence = "`Sec-WebSocket-Version` must be 13."


class AddressTooLong(ServiceError):
    """The path and the query are longer than any of ours."""

    status = 414
    code = "address_too_long"
    sentence = "The address is too long; path and query may have `limit` bytes."


class HeadTooLarge(ServiceError):
    """The headers are longer than any request of ours needs."""

    status = 431
    code = "head_too_large"
    sentence = "The headers are too long; together they may have `limit` bytes."


class MisdirectedRequest(ServiceError):
    """The `Host` of a development server is not a local one (this stops DNS rebinding)."""

    status = 421
    code = "misdirected_request"
    sentence = "A development server answers to local names only."


class TooManyWrongKeys(RateLimited):
    """This address sent more wrong keys than the limit for them allows."""

    code = "too_many_wrong_keys"
    sentence = (
        "Too many requests with a wrong API key came from this address. A request with a right "
        "key is answered at once, one with a wrong key when `retryAfter` seconds have passed."
    )
