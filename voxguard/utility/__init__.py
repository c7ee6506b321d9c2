"""What anonymization costs: words, pitch, emotion, quality, level, length, time and memory."""
