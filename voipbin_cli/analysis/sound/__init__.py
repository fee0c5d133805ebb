"""What the payloads sound like: level, holes, noise, voice, digits."""
