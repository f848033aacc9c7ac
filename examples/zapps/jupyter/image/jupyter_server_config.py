"""Settings of the image: reachable from outside the container, no browser inside."""

c = get_config()  # noqa: F821 - Jupyter runs this file with it
c.ServerApp.ip = "0.0.0.0"  # noqa: S104 - the container is the boundary
c.ServerApp.open_browser = False
