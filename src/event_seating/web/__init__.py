"""What every request passes: the edge, authentication and authorisation, errors as answers."""
