"""A Flower app in which a client is a speaker."""
