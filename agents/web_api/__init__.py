"""The HTTP side of the service: routes, and what every request passes first."""
