"""``/api/v1``: the views as JSON, described by OpenAPI. What is shown is worked out elsewhere."""
