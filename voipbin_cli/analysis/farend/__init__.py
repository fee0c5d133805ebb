"""The far end of what is sent: what it takes, what waits there, and what the phone hears of it."""
