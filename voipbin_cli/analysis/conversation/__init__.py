"""Who spoke when, and what came back: both tracks of a call on one clock."""
