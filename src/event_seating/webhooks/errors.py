"""Errors of webhooks and their deliveries."""

from event_seating.errors import ServiceError


class WebhookNotFound(ServiceError):
    """No webhook has this id."""

    status = 404
    code = "webhook_not_found"
    sentence = "No webhook has this id."


class DeliveryNotFound(ServiceError):
    """The webhook has no such delivery, or it was deleted because of its age."""

    status = 404
    code = "delivery_not_found"
    sentence = "This webhook has no delivery with this id."


class TooManyWebhooks(ServiceError):
    """There are as many webhooks as there may be."""

    status = 409
    code = "too_many_webhooks"
    sentence = "There are as many webhooks as there may be; delete one first."


class WebhookPaused(ServiceError):
    """A message cannot be sent again to a paused webhook."""

    status = 409
    code = "webhook_paused"
    sentence = "This webhook is paused; resume it first."
