"""THE DOORS: the application, its settings, HTTP, WebSocket, sign-in routes and the command line."""
