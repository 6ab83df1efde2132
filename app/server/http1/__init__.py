"""HTTP/1.1 with limits: heads, bodies, pipelines, and requests answered without ASGI."""
