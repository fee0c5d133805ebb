"""What the payloads sound like: level, holes, noise, clicks, hum, repetitions, voice, digits."""
