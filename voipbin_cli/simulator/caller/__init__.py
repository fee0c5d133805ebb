"""A caller who follows a script: what he says and when, how his phone sounds, what he heard."""
