"""uvicorn with limits: HTTP, WebSocket, and what a peer may make a process do."""
