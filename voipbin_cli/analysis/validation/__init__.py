"""Every frame against its encapsulation: the facts of a message, and the rules over them."""
