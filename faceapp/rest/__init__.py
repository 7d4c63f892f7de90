"""The REST port: the same services as the window, on 127.0.0.1. `docs/rest.md` lists the endpoints.

Nothing here is imported before the port is switched on; Flask is imported in `app` and the blueprints alone.
"""
