"""What anonymizing the training speech costs a recogniser, and what it still tells of people."""
