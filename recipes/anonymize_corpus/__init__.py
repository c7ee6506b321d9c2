"""A corpus, anonymized on one machine or many."""
