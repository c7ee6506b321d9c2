"""The page that shows what anonymization does to a recording."""
