"""The platform over the network: WebSocket media, REST, credentials. Nothing else opens sockets."""
