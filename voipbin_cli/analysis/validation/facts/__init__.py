"""What is known of messages, as columns: the bytes, their content, when they came."""
