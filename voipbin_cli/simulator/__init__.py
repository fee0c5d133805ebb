"""A local VoIPBIN media stream, healthy or faulty: REST, WebSocket, the far end and the phone.

Nothing is imported here: the child process that serves `sim:` targets has to start quickly.
"""
